// Making and filling elements. Whatever came from outside goes in as text nodes, never as markup.

const byID = (id) => document.getElementById(id);

/** An element with attributes and children; null children are left out, strings become text. */
function make(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== false) node.setAttribute(name, value === true ? "" : String(value));
  }
  node.append(...children.flat().filter((child) => child !== null));
  return node;
}

function makeDrawing(tag, attributes = {}, ...children) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, String(value));
  node.append(...children);
  return node;
}

function icon(name) {
  return makeDrawing("svg", { class: "icon", "aria-hidden": "true" }, makeDrawing("use", { href: `#${name}` }));
}

/** A shape and its word. */
function mark(shape, word) {
  return make("span", { class: `mark mark-${shape}` }, icon(`mark-${shape}`), word);
}

function setText(id, text) {
  const node = byID(id);
  if (node.textContent !== text) node.textContent = text;
}

const contents = new WeakMap();

/** Puts what `build` makes into the element, only where `value` is another than the last time: focus and selection stay. */
function fill(id, value, build) {
  const node = byID(id);
  const key = JSON.stringify(value);
  if (contents.get(node) === key) return;
  contents.set(node, key);
  node.replaceChildren(...[build(value)].flat());
}

/** Rows of a list of facts: pairs of a term and texts or elements; null pairs are left out. */
function facts(pairs) {
  return pairs
    .filter((pair) => pair !== null)
    .map(([term, ...values]) => {
      // a sentence stands below its term, a figure beside it
      const isLong = values.some((value) => typeof value === "string" && value.length > 36);
      return make("div", { class: isLong ? "wide" : null }, make("dt", {}, term), make("dd", {}, ...values));
    });
}

/** A figure with its unit set smaller. */
function figure([amount, unit]) {
  return [amount, make("span", { class: "unit" }, space + unit)];
}

/** A bar of a share between 0 and 1. */
function bar(share) {
  const node = make("i");
  node.style.width = `${Math.min(1, Math.max(0, share)) * 100}%`;
  return node;
}

// Ages run by the daemon's clock, as its last answer told it: that of the reader may be wrong.
let clockOffset = 0;

function daemonNow() {
  return Date.now() + clockOffset;
}

/** A moment: UTC, and how long ago. `style`: "both", "age" or "moment"; the whole time is its title. */
function moment(text, style = "both") {
  const milliseconds = Date.parse(text ?? "");
  if (Number.isNaN(milliseconds)) return document.createTextNode(unknown);
  const node = make("time", { datetime: text, title: text, "data-style": style });
  showMoment(node);
  return node;
}

function showMoment(node) {
  const now = daemonNow();
  const time = Date.parse(node.dateTime);
  const age = ageText(now - time);
  const style = node.dataset.style;
  const text = style === "age" ? age : style === "moment" ? momentText(time, now) : `${momentText(time, now)}, ${age}`;
  if (node.textContent !== text) node.textContent = text;
}

function showMoments() {
  document.querySelectorAll("time[data-style]").forEach(showMoment);
}

/** One item of a list of alerts. */
function alertItem(alert) {
  const isPage = alert.severity === "page";
  return make(
    "li",
    { "data-severity": isPage ? "page" : "ticket" },
    make("span", { class: isPage ? "page" : "ticket" }, icon(isPage ? "mark-page" : "mark-ticket")),
    make(
      "div",
      {},
      make("h3", {}, alert.name, make("span", {}, isPage ? "page: act now" : "ticket: act in working hours")),
      make("p", {}, alert.text),
      make("p", { class: "remedy" }, make("b", {}, "What to do: "), alert.remedy),
      make("p", { class: "small" }, "Since ", moment(alert.since), " · ", make("a", { href: `runbook/${encodeURIComponent(alert.name)}` }, `Runbook: ${alert.name}`)),
    ),
  );
}

/** The page's largest figure. A line that carried little but handshakes carried more than the frames. */
function ratioFigure(ratio) {
  if (ratio === null) return make("small", { class: "soft" }, "nothing yet");
  return ratio >= 1 ? [figures(ratio), make("small", {}, "× less")] : [figures(1 / ratio), make("small", {}, "× more")];
}

function savedText(ratio) {
  return ratio >= 1
    ? `: ${(100 * (1 - 1 / ratio)).toFixed(2)}${space}% saved.`
    : ", more than the frames themselves: handshakes and heartbeats count too.";
}

/** What was delivered beside what the line carried: rows of [name, explanation, octets, ratio, the ratio's name]. */
function comparison(rows) {
  const largest = Math.max(...rows.map((row) => row[2] ?? 0), 1);
  return rows.map(([name, explanation, octets, ratio, ratioName]) =>
    make(
      "tr",
      { class: ratioName === "" ? "line" : null },
      make("th", { scope: "row" }, name, make("small", {}, explanation)),
      make("td", { class: "bar", "aria-hidden": "true" }, octets > 0 ? bar(octets / largest) : ""),
      make("td", { class: "number" }, sizeText(octets)),
      make("td", { class: "number" }, ratioName === "" ? "1×" : ratioText(ratio), make("small", {}, ratioName)),
    ),
  );
}

function clockMark(synchronised) {
  if (synchronised === null) return mark("unknown", "unknown");
  return synchronised ? mark("ok", "synchronised") : mark("ticket", "not synchronised");
}

/** "Configuration" of both daemons; one that says nothing of it has no card. */
function showConfiguration(status) {
  byID("configuration-part").hidden = status.configuration === undefined;
  if (status.configuration !== undefined) fill("configuration", status.configuration, configurationFacts);
}

function configurationFacts(configuration) {
  return facts([
    ["Generation", `${configuration.generation}`],
    ["Loaded", moment(configuration.loaded_at)],
    ["File", make("code", {}, configuration.path)],
    ["Last reload", configuration.last_error === null ? mark("ok", "no error") : mark("ticket", "refused")],
    configuration.last_error === null ? null : ["Why", configuration.last_error],
    configuration.restart_needed.length === 0 ? null : ["Needs a restart", configuration.restart_needed.join(", ")],
  ]);
}

/** What an event says, in words; null for kinds that this page does not know. */
function eventText(event) {
  const sensor = event.sensor ?? "";
  const texts = {
    frame_stored: () => `${sensor}: frame ${event.frame} stored, ${sizeText(event.raw_bytes)} as ${sizeText(event.packet_bytes)}`,
    frame_delivered: () => `${sensor}: frame ${event.frame} delivered after ${spanText(event.seconds)}${event.thinned ? ", thinned" : ""}`,
    frame_dropped: () => `${sensor}: frame ${event.frame} dropped, ${event.reason}`,
    frame_rejected: () => `${sensor}: frame refused, ${event.reason}${event.field ? ` (${event.field})` : ""}`,
    frame_quarantined: () => `${sensor}: frame ${event.frame} put aside, damaged`,
    surprise: () => `${sensor}: surprise ${figures(event.score)} at ${event.place}`,
    link: () => `Link ${event.state}`,
    configuration: () => (event.error ? `Configuration refused: ${event.error}` : `Configuration ${event.generation} taken`),
    firmware: () => `Firmware ${event.name}: ${event.what}`,
    alert: () => `${event.name} ${event.active ? "began" : "ended"}: ${event.text}`,
    station: () => `${event.station} ${event.connected ? "connected" : "disconnected"}`,
    tombstone: () => `${event.station}: ${counted(event.count, "number")} will not come`,
  };
  return Object.hasOwn(texts, event.kind) ? texts[event.kind]() : null;
}
