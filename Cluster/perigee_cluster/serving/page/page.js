"use strict";
// Shows what the service tells: places, their dates, two products of a date and what they rest on. Changes nothing but by `refine`.

const at = (id) => document.getElementById(id);
const state = { places: [], place: null, dates: [], items: {}, pictures: {}, turn: 0 };

class Refused extends Error {}

async function ask(path, options = {}) {
  const token = sessionStorage.getItem("token");
  const headers = token ? { Authorization: `Bearer ${token}` } : {};
  const answer = await fetch(path, { ...options, headers });
  if (answer.status === 401) {
    sessionStorage.removeItem("token");
    throw new Refused(token ? "The token was refused." : "A token is needed.");
  }
  if (!answer.ok) {
    const said = await answer.json().catch(() => ({}));
    throw new Error(said.error ?? `The service answers ${answer.status}.`);
  }
  return answer;
}

const askJSON = async (path, options) => (await ask(path, options)).json();

// paths of answers are absolute; only what lies behind the origin counts, so that a proxy may stand between
const local = (href) => new URL(href).pathname;

function say(text) {
  at("notice").hidden = !text;
  at("notice").textContent = text ?? "";
}

function fail(error) {
  if (error instanceof Refused) {
    at("content").hidden = true;
    at("token").hidden = false;
    at("word").focus();
  }
  say(error.message);
}

const guarded = (work) => (...given) => work(...given).catch(fail);

function element(name, text, attributes = {}) {
  const made = name === "path" || name === "title"
    ? document.createElementNS("http://www.w3.org/2000/svg", name) : document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text !== undefined) made.textContent = text;
  return made;
}

async function start() {
  say(null);
  const found = await askJSON("places");
  at("token").hidden = true;
  at("content").hidden = false;
  state.places = found.places;
  const dates = found.places.reduce((sum, place) => sum + place.dates, 0);
  at("summary").textContent = found.places.length
    ? `${found.places.length}${found.is_all ? "" : " and more"} places, ${dates} views of them`
    : "No products yet: perigee-cluster follow makes them.";
  at("place").replaceChildren(...found.places.map((place) => element("option", place.place, { value: place.place })));
  drawMap();
  if (found.places.length) await choosePlace(found.places.reduce((a, b) => (b.dates > a.dates ? b : a)).place);
}

function drawMap() {
  const known = state.places.filter((place) => place.bbox);
  const map = at("map");
  map.hidden = !known.length;
  if (!known.length) return;
  const box = known.reduce(
    (all, { bbox }) => [Math.min(all[0], bbox[0]), Math.min(all[1], bbox[1]), Math.max(all[2], bbox[2]), Math.max(all[3], bbox[3])],
    [180, 90, -180, -90]);
  const shrink = Math.max(Math.cos(((box[1] + box[3]) / 2) * Math.PI / 180), 0.05);
  const width = Math.max((box[2] - box[0]) * shrink, 1e-4), height = Math.max(box[3] - box[1], 1e-4);
  const scale = Math.min(96 / width, 56 / height);
  const left = 50 - (width * scale) / 2, top = 30 - (height * scale) / 2;
  map.replaceChildren(...known.map((place) => {
    const [west, south, east, north] = place.bbox;
    // one that would be too small to be hit is drawn larger
    const wide = Math.max((east - west) * shrink * scale, 2), high = Math.max((north - south) * scale, 2);
    const middle = [left + ((west + east) / 2 - box[0]) * shrink * scale, top + (box[3] - (north + south) / 2) * scale];
    const x = [middle[0] - wide / 2, middle[0] + wide / 2], y = [middle[1] - high / 2, middle[1] + high / 2];
    const shape = element("path", undefined, {
      d: `M${x[0]} ${y[0]}H${x[1]}V${y[1]}H${x[0]}Z`, role: "button", tabindex: "0", "data-place": place.place,
      "aria-pressed": "false", "aria-label": `Place ${place.place}, ${place.dates} dates`,
    });
    shape.append(element("title", `${place.place}: ${place.dates} dates`));
    shape.addEventListener("click", guarded(() => choosePlace(place.place)));
    shape.addEventListener("keydown", (event) => {
      if (event.key === "Enter" || event.key === " ") { event.preventDefault(); guarded(choosePlace)(place.place); }
    });
    return shape;
  }));
}

async function choosePlace(place) {
  state.place = place;
  at("place").value = place;
  for (const shape of at("map").children) shape.setAttribute("aria-pressed", String(shape.dataset.place === place));
  const found = await askJSON(`places/${encodeURIComponent(place)}`);
  state.dates = found.dates.filter((date) => date.datetime);
  at("date").max = String(Math.max(state.dates.length - 1, 0));
  at("date").value = at("date").max;
  at("date").disabled = state.dates.length < 2;
  if (!state.dates.length) return say("This place has no dated products.");
  await chooseDate();
}

async function chooseDate() {
  const turn = ++state.turn;
  const date = state.dates[Number(at("date").value)];
  at("date-text").textContent = `${date.datetime.replace("T", " ").replace("Z", " UTC")} – ${Number(at("date").value) + 1} of ${state.dates.length}`;
  at("date").setAttribute("aria-valuetext", date.datetime);
  at("want").textContent = "";
  say(null);
  const items = {}, pictures = {};
  // of several methods the one with the last name is the newest version
  const chosen = { decode: "deterministic", drawn: date.methods.filter((name) => name !== "deterministic").sort().at(-1) };
  for (const [side, method] of Object.entries(chosen)) {
    if (!date.methods.includes(method)) continue;
    items[side] = await askJSON(`stac/collections/${method}/items/${encodeURIComponent(date.item)}`);
    pictures[side] = await picture(items[side], "reconstruction");
    if (turn !== state.turn) return;
  }
  state.items = items;
  state.pictures = pictures;
  if (!items.drawn) say("This date has no reconstruction yet; the decode is shown on both sides.");
  await chooseOver();
  tell();
}

function bandNumbers(item, kind) {
  const bands = item.assets[kind].bands;
  const names = ["red", "green", "blue"].map((name) => bands.findIndex((band) => band["eo:common_name"] === name) + 1);
  return names.every((number) => number > 0) ? names : [1];
}

async function picture(item, kind) {
  const query = new URLSearchParams({ max_size: "512" });
  if (kind === "flags") {
    query.append("bidx", "1");
    query.append("rescale", "0,63");
  } else {
    const bands = kind === "deviation" ? bandNumbers(item, kind).slice(0, 1) : bandNumbers(item, kind);
    for (const number of bands) query.append("bidx", String(number));
    const scale = item.assets[kind].bands[0]["raster:scale"] ?? 1;
    // reflectance of 0.3 is white; what has no scale of reflectance is shown as it is
    const white = (kind === "deviation" ? 0.05 : 0.3) / (scale < 0.01 ? scale : 1e-4);
    query.append("rescale", `0,${white}`);
    if (kind === "deviation") query.append("colormap_name", "magma");
  }
  const href = `tiles/${item.collection}/${encodeURIComponent(item.id)}/${kind}/preview.png?${query}`;
  return createImageBitmap(await (await ask(href)).blob());
}

async function chooseOver() {
  const kind = document.querySelector("input[name=over]:checked").value;
  const item = state.items.drawn ?? state.items.decode;
  const turn = state.turn;
  const over = kind === "none" || !item ? null : await picture(item, kind);
  if (turn !== state.turn) return;
  state.over = over && { kind, bitmap: kind === "flags" ? marked(over) : over };
  draw();
}

// bits 2 (history-dominated) and 4 (fallback) as colours; the picture of flags has them as shades of 63
function marked(bitmap) {
  const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
  const context = canvas.getContext("2d");
  context.drawImage(bitmap, 0, 0);
  const image = context.getImageData(0, 0, bitmap.width, bitmap.height);
  for (let index = 0; index < image.data.length; index += 4) {
    const bits = Math.round((image.data[index] * 63) / 255);
    const colour = bits & 4 ? [255, 99, 71] : bits & 2 ? [255, 191, 0] : [0, 0, 0];
    image.data.set([...colour, bits & 6 ? 255 : 0], index);
  }
  context.putImageData(image, 0, 0);
  return canvas;
}

function draw() {
  const canvas = at("picture"), context = canvas.getContext("2d");
  const left = state.pictures.decode ?? state.pictures.drawn;
  const right = state.pictures.drawn ?? state.pictures.decode;
  if (!left) return;
  canvas.width = Math.max(left.width, 256);
  canvas.height = Math.round((canvas.width * left.height) / left.width);
  context.imageSmoothingEnabled = false;
  const edge = Math.round((canvas.width * Number(at("swipe").value)) / 100);
  context.drawImage(left, 0, 0, canvas.width, canvas.height);
  context.save();
  context.beginPath();
  context.rect(edge, 0, canvas.width - edge, canvas.height);
  context.clip();
  context.drawImage(right, 0, 0, canvas.width, canvas.height);
  if (state.over) {
    context.globalAlpha = 0.6;
    context.drawImage(state.over.bitmap, 0, 0, canvas.width, canvas.height);
  }
  context.restore();
  context.fillStyle = "#ffffff";
  context.fillRect(edge - 1, 0, 2, canvas.height);
  canvas.dataset.over = state.over?.kind ?? "none";
  canvas.dataset.edge = String(edge);
}

function tell() {
  const item = state.items.drawn ?? state.items.decode;
  const fields = item.properties, agreement = fields["perigee:agreement"];
  at("grade").textContent = fields["perigee:grade"] === "measured"
    ? "Measured: the decode of the packets, nothing else."
    : "Drawn: where packets are silent, the past of the place speaks. It stays inside of what the packets say.";
  const share = (value) => `${(100 * value).toFixed(value > 0.999 || value === 0 ? 0 : 1)} %`;
  const rows = [
    ["method", `${fields["perigee:method"]}, version ${fields["perigee:version"]}`],
    ["packets", `${fields["perigee:packets"]}: ${fields["perigee:packet_ids"]}`],
    ["octets", `${fields["perigee:packet_bytes"].toLocaleString("en")} of ${fields["perigee:raw_bytes"].toLocaleString("en")} (${Math.round(fields["perigee:ratio"]).toLocaleString("en")}x)`],
    ["layers", String(fields["perigee:layers"])],
    ["predicted from", fields["perigee:references"].length ? `frames ${fields["perigee:references"].join(", ")}` : "no other frame"],
    ["agreement", `${share(agreement.share)}: ${agreement.held.toLocaleString("en")} of ${agreement.sent.toLocaleString("en")} coefficients`],
    ["history-dominated", share(fields["perigee:history_dominated"])],
    ["fallback", share(fields["perigee:fallback"])],
    ["firmware", fields["perigee:firmware"]],
    ["station, frame", `${fields["perigee:station"]}, ${fields["perigee:frame"]}`],
  ];
  at("origin").replaceChildren(...rows.flatMap(([name, text]) => [element("dt", name), element("dd", text)]));
  const past = fields["perigee:history"];
  at("past").replaceChildren(...(past.length ? past : [null]).map((one) => {
    const row = element("tr");
    const cells = one
      ? [(one.datetime ?? "undated").slice(0, 10), one.age_days?.toFixed(1) ?? "–", one.packet_bytes.toLocaleString("en"), one.id.split("/").at(-1)]
      : ["none", "", "", ""];
    row.append(...cells.map((text) => element("td", text)));
    return row;
  }));
  at("picture-text").textContent = `${state.place}, ${fields.datetime}: ${fields["perigee:packet_bytes"].toLocaleString("en")} octets`
    + (past.length ? `, with ${past.length} earlier or later dates on the right` : "");
}

async function refine() {
  const date = state.dates[Number(at("date").value)];
  const want = await askJSON(`places/${encodeURIComponent(state.place)}/${encodeURIComponent(date.datetime)}/refine`, { method: "POST" });
  at("want").textContent = `Want ${want.want} is ${want.state}; the product follows when the station has sent it.`;
}

at("place").addEventListener("change", guarded(() => choosePlace(at("place").value)));
at("date").addEventListener("input", guarded(chooseDate));
at("swipe").addEventListener("input", draw);
for (const choice of document.querySelectorAll("input[name=over]")) choice.addEventListener("change", guarded(chooseOver));
at("refine").addEventListener("click", guarded(refine));
at("token").addEventListener("submit", (event) => {
  event.preventDefault();
  sessionStorage.setItem("token", at("word").value);
  at("word").value = "";
  guarded(start)();
});
guarded(start)();
