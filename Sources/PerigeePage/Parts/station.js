// The page of a station.

const periodWords = { hour: "in the last hour", day: "in the last 24 hours", days30: "in the last 30 days", total: "in all" };
const markWords = { live: "Live", late: "Late", stale: "Stale", gap: "Gap", dropped: "Dropped by policy" };
const markMeanings = {
  live: "signs come as usual", late: "no sign for 3 intervals", stale: "no sign for 10 intervals",
  gap: "frames never came", dropped: "dropped or thinned by policy, last 10 minutes",
};
const linkWords = {
  offline: ["late", "Offline by schedule"], closed: ["stale", "Closed"], connecting: ["late", "Connecting"],
  greeting: ["late", "Greeting"], resuming: ["late", "Resuming"], live: ["live", "Live"],
  throttled: ["gap", "Throttled"], draining: ["gap", "Draining"], stopped: ["stale", "Stopped"],
};
const savingEvery = 60000;
const picturesEvery = 10000;

let period = "day";
let current = null;

function sumOf(object) {
  return Object.values(object).reduce((sum, value) => sum + value, 0);
}

/** "field 3, duplicate 1": those that are not 0. */
function reasonsText(object) {
  const reasons = Object.entries(object).filter(([, count]) => count > 0);
  return reasons.map(([reason, count]) => `${reason.replaceAll("_", " ")} ${countText(count)}`).join(", ");
}

function showNotices(status, isStuck) {
  if (isStuck) showNotice("bad", "perigeed answers, but its status stands still since ", moment(status.updated), ".");
  else if (status.state === "draining") showNotice("warn", "Draining: no new frames are taken, what waits goes out.");
  else if (status.state === "drained") showNotice("warn", "Drained: nothing waits, no new frames are taken.");
  else if (status.clock.synchronised === false) showNotice("warn", "The clock is not synchronised: the times of frames may be wrong.");
  else hideNotice();
}

function showNothing(status) {
  const isEmpty = status.ledger.received === 0 && status.saving.total.frames === 0;
  byID("nothing").hidden = !isEmpty;
  byID("saving").hidden = isEmpty;
  byID("history").hidden = isEmpty;
  fill("endpoints", status.intake.endpoints, (endpoints) => endpoints.map((text) => make("li", {}, make("code", {}, text))));
}

function showSaving(status) {
  const saving = status.saving[period];
  const ratio = saving.raw_over_link;
  fill("ratio", ratio, ratioFigure);
  fill("lead", [saving, period], () =>
    ratio === null
      ? `No frame was delivered ${periodWords[period]}.`
      : `${sizeText(saving.raw_bytes)} in ${counted(saving.frames, "frame")} took ${sizeText(saving.link_bytes)} on the line ` +
        `${periodWords[period]}${savedText(ratio)}`,
  );
  const recent = status.saving.hour;
  const seconds = (Date.parse(status.updated) - Date.parse(recent.since)) / 1000;
  fill("bandwidth", [recent, status.updated], () =>
    seconds > 0
      ? ["Now: ", `${rateText((recent.raw_bytes * 8) / seconds)} of frames go out as ${rateText((recent.link_bytes * 8) / seconds)}, mean since `, moment(recent.since, "moment"), "."]
      : "",
  );
  fill("compare", saving, () =>
    comparison([
      ["Frames as they came", "the samples of what was delivered", saving.raw_bytes, saving.raw_over_link, "raw over link"],
      ["Lossless zstd", "level 19, as sampled on these frames", saving.zstd_bytes, saving.zstd_over_link, "zstd over link"],
      ["Frames, native sampling", "each band on its own grid", saving.native_bytes, saving.native_over_link, "native over link"],
      ["On the line, everything", "framing, heartbeats, sent again", saving.link_bytes, null, ""],
      ["Packets alone", "what the codec made of the frames", saving.packet_bytes, saving.raw_over_packets, "raw over packets"],
    ]),
  );
}

function showBacklog(status) {
  const { backlog, spool } = status;
  fill("waiting", backlog.bytes, () => figure(scaled(backlog.bytes, sizeUnits)));
  setText("waiting-packets", counted(backlog.packets, "packet"));
  const share = spool.quota_bytes > 0 ? spool.used_bytes / spool.quota_bytes : 0;
  fill("meter", share, () => bar(share));
  byID("meter").setAttribute("aria-valuenow", String(Math.round(share * 100)));
  byID("meter").setAttribute("aria-valuetext", `${sizeText(spool.used_bytes)} of ${sizeText(spool.quota_bytes)}`);
  const drained = backlog.packets === 0 ? "nothing waits" : backlog.drain_seconds === null ? "unknown, no rate measured" : `in ${spanText(backlog.drain_seconds)}`;
  const full = spool.full ? mark("page", "full now") : backlog.full_seconds === null ? "not filling" : `in ${spanText(backlog.full_seconds)}`;
  fill("backlog", [backlog, spool], () =>
    facts([
      ["Drained", drained],
      ["Spool full", full],
      ["Oldest", backlog.oldest === null ? "nothing waits" : moment(backlog.oldest)],
      ["Spool", `${sizeText(spool.used_bytes)} of ${sizeText(spool.quota_bytes)}`],
      ["Disk free", sizeText(spool.disk_free_bytes)],
      spool.busy_seconds > 0 ? ["Disk busy for", spanText(spool.busy_seconds)] : null,
      spool.failure === null ? null : ["Failure", spool.failure],
    ]),
  );
}

function showLine(status) {
  const { link } = status;
  fill("acknowledged", link.last_acknowledgement, (time) => (time === null ? "never" : moment(time, "age")));
  const [shape, word] = Object.hasOwn(linkWords, link.state) ? linkWords[link.state] : ["unknown", link.state];
  fill("line", link, () =>
    facts([
      ["State", mark(shape, word)],
      ["Last acknowledgement", moment(link.last_acknowledgement, "moment")],
      ["Gateway", make("code", {}, link.gateway ?? unknown)],
      ["Rate at its best", rateText(link.bits_per_second)],
      ["Round trip", link.rtt_ms === null ? unknown : spanText(link.rtt_ms / 1000)],
      ["Sent again", `${countText(link.packets_resent)} of ${counted(link.packets_sent, "packet")}`],
      ["Sessions", countText(link.sessions)],
      link.packets_rejected > 0 ? ["Rejected", counted(link.packets_rejected, "packet")] : null,
      link.authentication_failures > 0 ? ["Keys refused", `${countText(link.authentication_failures)} times`] : null,
      link.last_error === null ? null : ["Last error", link.last_error],
    ]),
  );
}

function showLedger(status) {
  const { ledger } = status;
  fill("delivered", [ledger.delivered, ledger.received], () => [
    countText(ledger.delivered), make("span", { class: "unit" }, ` of ${countText(ledger.received)}`),
  ]);
  const rejected = sumOf(ledger.rejected);
  const dropped = sumOf(ledger.dropped);
  fill("ledger", ledger, () =>
    facts([
      ["Waiting", countText(ledger.waiting)],
      ["In work", countText(ledger.in_work)],
      ["Refused", rejected === 0 ? "0" : `${countText(rejected)}: ${reasonsText(ledger.rejected)}`],
      ["Dropped by policy", dropped === 0 ? "0" : `${countText(dropped)}: ${reasonsText(ledger.dropped)}`],
      ["Thinned", countText(ledger.thinned)],
      ["Put aside, lost at a crash", `${countText(ledger.quarantined)}, ${countText(ledger.lost_at_crash)}`],
      ["Ledger", ledger.balanced ? mark("ok", "closes") : mark("page", "does not close")],
    ]),
  );
}

function sensorMark(name) {
  return Object.hasOwn(markWords, name ?? "") ? mark(name, markWords[name]) : mark("none", "Silent");
}

function lastFrame(sensor) {
  if (sensor.last_frame === null) return [unknown];
  const interval = sensor.interval_seconds === null ? "" : `, usually every ${spanText(sensor.interval_seconds)}`;
  return [moment(sensor.last_frame, "moment"), make("small", {}, moment(sensor.last_frame, "age"), interval)];
}

function showSensors(status) {
  const sensors = Object.entries(status.sensors);
  byID("sensors-empty").hidden = sensors.length > 0;
  byID("sensors-table").hidden = sensors.length === 0;
  byID("key-marks").hidden = sensors.length === 0;
  const cell = (label, name, ...children) => make("td", { "data-label": label, class: name }, ...children);
  fill("sensors", [sensors, status.saving.sensors], () =>
    sensors.map(([name, sensor]) =>
      make(
        "tr",
        {},
        make("th", { scope: "row" }, name),
        cell("Mark", null, sensorMark(sensor.mark)),
        cell("Last frame", null, ...lastFrame(sensor)),
        cell("Received", "number", countText(sensor.received)),
        cell("Missed", "number", countText(sensor.missed)),
        cell("Dropped, thinned", "number", `${countText(sensor.dropped)}, ${countText(sensor.thinned)}`),
        cell("Delivered", "number", countText(sensor.acknowledged), make("small", {}, sizeText(sensor.raw_bytes_acknowledged))),
        cell("Raw over link, day", "number", ratioText(status.saving.sensors[name]?.day?.raw_over_link)),
      ),
    ),
  );
}

function showSurprises(status) {
  byID("surprises-empty").hidden = status.surprises.length > 0;
  const threshold = status.control.surprise.threshold;
  setText("surprises-note", status.surprises.length === 0 ? "" : `standard deviations off its own past; ${figures(threshold)} counts`);
  fill("surprises", status.surprises.slice(0, 6), (surprises) =>
    surprises.map((surprise) =>
      make(
        "li",
        {},
        make("b", {}, figures(surprise.score)),
        make("div", {}, surprise.place ?? "place unknown", make("small", {}, surprise.sensor, " · ", moment(surprise.time))),
      ),
    ),
  );
}

function showStation(status) {
  const { firmware } = status;
  const trial = firmware.trial;
  fill("process", [status.clock, status.memory_bytes, status.pid, status.started, status.version, status.over_budget, status.clipped_samples], () =>
    facts([
      ["Clock", clockMark(status.clock.synchronised)],
      ["Running since", moment(status.started)],
      ["Version", status.version],
      ["Process", `${status.pid}`],
      ["Memory", sizeText(status.memory_bytes)],
      ["Frames over budget", countText(status.over_budget)],
      ["Clipped samples", countText(status.clipped_samples)],
    ]),
  );
  fill("firmware", firmware, () =>
    facts([
      ["Name", firmware.name],
      ["Version", firmware.version],
      ["Identifier", make("code", {}, firmware.id)],
      ["From", firmware.source],
      ["Trial", trial === null ? mark("ok", "confirmed") : mark("late", "on trial")],
      trial === null ? null : ["Of it", `${countText(trial.frames)} of ${counted(trial.frames_needed, "frame")}, ${spanText(trial.seconds)}`],
      trial === null ? null : ["Start", countText(trial.start)],
    ]),
  );
}

/** Draws the octets of a quick-look. */
async function drawPicture(canvas, picture) {
  const octets = new Uint8Array(await (await ask(`quicklook/${picture.n}`)).arrayBuffer());
  const count = picture.rows * picture.columns;
  if (octets.length !== count * 3) return;
  const image = new ImageData(picture.columns, picture.rows);
  for (let index = 0; index < count; index += 1) {
    image.data.set(octets.subarray(index * 3, index * 3 + 3), index * 4);
    image.data[index * 4 + 3] = 255;
  }
  canvas.getContext("2d").putImageData(image, 0, 0);
}

const drawn = new Map();

async function showPictures() {
  const answer = await askJSON("quicklooks.json");
  byID("pictures-part").hidden = answer.every === 0;
  if (answer.every === 0) return;
  setText("pictures-note", `One frame in ${countText(answer.every)}, from its coarse layers, stretched to be looked at.`);
  const numbers = new Set(answer.quicklooks.map((picture) => picture.n));
  for (const number of drawn.keys()) if (!numbers.has(number)) drawn.delete(number);
  for (const picture of answer.quicklooks.filter((candidate) => !drawn.has(candidate.n))) {
    const words = `${picture.sensor}, frame ${picture.frame}`;
    const canvas = make("canvas", { width: picture.columns, height: picture.rows, role: "img", "aria-label": `Quick-look of ${words}` });
    await drawPicture(canvas, picture);
    const caption = make("p", {}, words, make("br"), make("small", {}, moment(picture.time), ` · ${picture.bands.join(", ")}`));
    drawn.set(picture.n, make("li", {}, canvas, caption));
  }
  const items = answer.quicklooks.map((picture) => drawn.get(picture.n));
  fill("pictures", items.length === 0 ? "none" : [...numbers], () =>
    items.length > 0 ? items : make("li", { class: "empty" }, "None yet."),
  );
}

const chart = new SavingChart();
let savingAsked = -Infinity;
let picturesAsked = -Infinity;

fill("key-marks", Object.keys(markWords), (names) =>
  names.map((name) => make("li", { title: markMeanings[name] }, mark(name, markWords[name].toLowerCase()), make("span", { class: "reader" }, markMeanings[name]))),
);

byID("periods").addEventListener("change", (event) => {
  period = event.target.value;
  if (current !== null) showSaving(current);
});

watch(
  "perigeed",
  (status, isStuck) => {
    current = status;
    showHead(status, status.station, "station");
    showNotices(status, isStuck);
    for (const show of [showAlerts, showNothing, showSaving, showBacklog, showLine, showLedger, showSensors, showSurprises, showStation, showConfiguration]) show(status);
  },
  async () => {
    await showEvents();
    const now = performance.now();
    if (now - savingAsked >= savingEvery) {
      chart.show((await askJSON("saving.json")).hours);
      savingAsked = now;
    }
    if (now - picturesAsked >= picturesEvery) {
      await showPictures();
      picturesAsked = now;
    }
  },
);
