// Asking the daemon, and what the page says where it does not answer.

const askEvery = 2000;
const patience = 5000;
const slowest = 15000;
const staleAfter = 10000;
const tokenKey = "perigee-token";

/** Why there is no status to show: a sentence for the notice. */
class NoAnswer extends Error {}

/** A token is needed: the message says what is wrong with the one that was given; it is empty where none was. */
class NoToken extends Error {}

const refusedToken = "This token was refused. The right one is the whole first line of that file, as it was when the daemon started.";

async function ask(path) {
  const token = sessionStorage.getItem(tokenKey);
  const headers = token === null ? {} : { Authorization: `Bearer ${token}` };
  let answer;
  try {
    answer = await fetch(path, { headers, cache: "no-store", signal: AbortSignal.timeout(patience) });
  } catch {
    throw new NoAnswer("does not answer");
  }
  if (answer.status === 401) {
    sessionStorage.removeItem(tokenKey);
    throw new NoToken(token === null ? "" : refusedToken);
  }
  if (!answer.ok) throw new NoAnswer(`answers ${path} with ${answer.status}`);
  return answer;
}

async function askJSON(path) {
  const answer = await ask(path);
  let value;
  try {
    value = await answer.json();
  } catch {
    throw new NoAnswer(`answers ${path} with what is no JSON`);
  }
  if (value.v !== 2) throw new NoAnswer(`speaks version ${value.v} of ${path}, this page version 2: load the page again`);
  return value;
}

/** A page's state: "loading", "live", "silent" or "token". */
function setPage(state) {
  document.body.dataset.page = state;
  byID("token").hidden = state !== "token";
}

/** The place for a token, empty, with the cursor in it, and what was wrong with the last one. */
function askForToken(problem) {
  const place = byID("token-text");
  setText("token-problem", problem);
  place.setAttribute("aria-invalid", String(problem !== ""));
  place.value = "";
  place.focus();
}

function showNotice(kind, ...text) {
  const notice = byID("notice");
  notice.hidden = text.length === 0;
  notice.dataset.kind = kind;
  fill("notice-text", text.map((part) => (typeof part === "string" ? part : part.dateTime)), () => text);
}

function hideNotice() {
  showNotice("");
}

const healthWords = { ok: "Working", degraded: "Degraded", failing: "Failing", silent: "No answer", locked: "Token needed", loading: "Loading" };
const healthShapes = { ok: "mark-ok", degraded: "mark-ticket", failing: "mark-page", silent: "mark-stale", locked: "mark-unknown", loading: "mark-unknown" };

function showHealth(health, state) {
  const known = Object.hasOwn(healthWords, health) ? health : "degraded";
  const word = healthWords[known] + (state === null || state === "running" ? "" : `, ${state}`);
  byID("health").dataset.health = known;
  fill("health", [known, word], () => [icon(healthShapes[known]), word]);
  return word;
}

let said = "";

/** Name, health and time of a status; what changed of them is said to screen readers, once. */
function showHead(status, name, kind) {
  setText("name", name);
  const word = showHealth(status.health, status.state);
  const count = status.alerts.length;
  document.title = `${count > 0 ? `(${count}) ` : ""}${name} · Perigee ${kind}`;
  fill("when", status.updated, () => ["Status of ", moment(status.updated, "moment"), make("br"), moment(status.updated, "age")]);
  const sentence = `${name}: ${word}, ${counted(count, "alert")}`;
  if (sentence !== said) setText("said", sentence);
  said = sentence;
}

function showAlerts(status) {
  byID("alerts-part").hidden = status.alerts.length === 0;
  // "page" stands before "ticket" in the alphabet too
  const order = [...status.alerts].sort((left, right) => left.severity.localeCompare(right.severity));
  fill("alerts", order, (alerts) => alerts.map(alertItem));
}

/** Asks for the status for ever: each answer goes to `show`, then `also` asks for the rest. Says so where none comes. */
function watch(daemon, show, also) {
  let last = null;
  let failures = 0;
  let timer = 0;
  let isAsking = false;
  let isWantedAgain = false;

  function take(status) {
    failures = 0;
    // a status that does not move keeps the clock that it had, so that its age is seen
    if (last === null || status.updated !== last.updated) clockOffset = Date.parse(status.updated) - Date.now();
    last = status;
    setPage("live");
    byID("loading").hidden = true;
    byID("content").hidden = false;
    show(status, daemonNow() - Date.parse(status.updated) > staleAfter);
    showMoments();
  }

  function miss(reason) {
    failures += 1;
    byID("loading").hidden = true;
    setPage("silent");
    showHealth("silent", null);
    document.title = `No answer · ${daemon}`;
    if (last === null) showNotice("bad", `${daemon} ${reason}. Asking again.`);
    else showNotice("bad", `${daemon} ${reason}. What stands here is of `, moment(last.updated), ".");
  }

  /** Asks for a token, and for nothing else before it is given. Figures that were shown are for those who have it. */
  function lock(problem) {
    byID("loading").hidden = true;
    byID("content").hidden = true;
    setPage("token");
    showHealth("locked", null);
    document.title = `Token needed · ${daemon}`;
    hideNotice();
    askForToken(problem);
  }

  /** Two questions at the same time would list the same events twice, so a second one waits for the first. */
  async function once() {
    clearTimeout(timer);
    isWantedAgain = isAsking;
    if (isAsking) return;
    isAsking = true;
    let isLocked = false;
    try {
      take(await askJSON("status.json"));
      await also(last);
    } catch (problem) {
      isLocked = problem instanceof NoToken;
      if (isLocked) lock(problem.message);
      else if (problem instanceof NoAnswer) miss(problem.message);
      // anything else is a mistake of this page and belongs on the console
      else throw problem;
    } finally {
      isAsking = false;
      if (isWantedAgain) once();
      else if (!document.hidden && !isLocked) timer = setTimeout(once, Math.min(slowest, askEvery * 2 ** Math.min(failures, 3)));
    }
  }

  byID("token-form").addEventListener("submit", (event) => {
    event.preventDefault();
    // a refusal that comes again is said again
    setText("token-problem", "");
    const token = byID("token-text").value.trim();
    // others cannot be in a header, nor in the file
    if (!/^[\x21-\x7e]+$/.test(token)) return askForToken(refusedToken);
    sessionStorage.setItem(tokenKey, token);
    return once();
  });
  document.addEventListener("visibilitychange", () => {
    // who fetches the token from another tab finds the form as it was
    if (!document.hidden && document.body.dataset.page !== "token") once();
  });
  setInterval(showMoments, 1000);
  once();
}

let lastEvent = null;
let boot = null;
const latestEvents = [];
const eventsShown = 8;

/** Asks for the events behind the last one, and lists the latest. */
async function showEvents() {
  const answer = await askJSON(lastEvent === null ? "events.json" : `events.json?after=${lastEvent}`);
  if (boot !== null && answer.boot !== boot) {
    boot = answer.boot;
    lastEvent = null;
    latestEvents.length = 0;
    return showEvents();
  }
  boot = answer.boot;
  lastEvent = answer.last;
  latestEvents.unshift(...answer.events.filter((event) => eventText(event) !== null).reverse());
  latestEvents.length = Math.min(latestEvents.length, eventsShown);
  byID("events-empty").hidden = latestEvents.length > 0;
  fill("events", latestEvents, (events) =>
    events.map((event) => make("li", {}, moment(event.time, "moment"), make("span", {}, eventText(event)))),
  );
  return undefined;
}
