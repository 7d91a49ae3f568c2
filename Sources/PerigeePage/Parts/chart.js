// The chart of saving.json: above, ratios as steps; below, what the line carried. Hours in which nothing was delivered stay empty.

const hour = 3600000;
const spans = {
  day: { length: 24 * hour, bucket: hour, tick: 4 * hour, label: (date) => `${date.toISOString().slice(11, 13)}:00` },
  week: { length: 7 * 24 * hour, bucket: 6 * hour, tick: 24 * hour, label: dayText },
  month: { length: 30 * 24 * hour, bucket: 24 * hour, tick: 5 * 24 * hour, label: dayText },
};
const summed = ["frames", "raw_bytes", "packet_bytes", "link_bytes"];

/** Hours put together into the buckets of a span; sums are divided once, so a quiet hour weighs what it carried. */
function bucketsOf(hours, span, now) {
  const end = Math.ceil(now / span.bucket) * span.bucket;
  const buckets = new Map();
  for (const item of hours) {
    const start = Math.floor(Date.parse(item.start) / span.bucket) * span.bucket;
    if (start < end - span.length || start >= end) continue;
    const bucket = buckets.get(start) ?? { start, frames: 0, raw_bytes: 0, packet_bytes: 0, link_bytes: 0, zstd_bytes: 0 };
    for (const name of summed) bucket[name] += item[name] ?? 0;
    // one hour without a baseline leaves the sum without one
    bucket.zstd_bytes = isNumber(item.zstd_bytes) && bucket.zstd_bytes !== null ? bucket.zstd_bytes + item.zstd_bytes : null;
    buckets.set(start, bucket);
  }
  const over = (octets, line) => (isNumber(octets) && octets > 0 && line > 0 ? octets / line : null);
  return [...buckets.values()]
    .sort((left, right) => left.start - right.start)
    .map((bucket) => ({
      ...bucket,
      end: bucket.start + span.bucket,
      raw: over(bucket.raw_bytes, bucket.link_bytes),
      zstd: over(bucket.zstd_bytes, bucket.link_bytes),
    }));
}

/** Round values for a scale from 0 up to `largest`. */
function ticksTo(largest, count) {
  const rough = largest / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((factor) => factor * power).find((candidate) => candidate >= rough);
  return Array.from({ length: Math.ceil(largest / step) + 1 }, (_, index) => index * step);
}

class SavingChart {
  #node = byID("chart");
  #hours = [];
  #spanName = "day";
  #buckets = [];
  #chosen = -1;
  #place = null;

  constructor() {
    new ResizeObserver(() => this.#draw()).observe(this.#node);
    this.#node.addEventListener("pointermove", (event) => this.#choose(this.#nearest(event)));
    this.#node.addEventListener("pointerleave", () => this.#choose(this.#buckets.length - 1));
    this.#node.addEventListener("keydown", (event) => this.#key(event));
    byID("spans").addEventListener("change", (event) => {
      this.#spanName = event.target.value;
      this.show(this.#hours);
    });
  }

  show(hours) {
    this.#hours = hours;
    const wasLast = this.#chosen === this.#buckets.length - 1;
    this.#buckets = bucketsOf(hours, spans[this.#spanName], daemonNow());
    this.#chosen = wasLast ? this.#buckets.length - 1 : Math.min(this.#chosen, this.#buckets.length - 1);
    this.#draw();
    fill("hours", this.#buckets, (buckets) => [...buckets].reverse().map((bucket) => this.#row(bucket)));
  }

  #row(bucket) {
    const cells = [
      countText(bucket.frames), sizeText(bucket.raw_bytes), sizeText(bucket.link_bytes), ratioText(bucket.raw),
      ratioText(bucket.zstd),
    ];
    return make(
      "tr", {}, make("th", { scope: "row" }, this.#startText(bucket)),
      cells.map((text) => make("td", { class: "number" }, text)),
    );
  }

  #startText(bucket) {
    const date = new Date(bucket.start);
    return `${dayText(date)} ${date.toISOString().slice(11, 16)}`;
  }

  #key(event) {
    const steps = { ArrowLeft: -1, ArrowRight: 1, PageUp: -6, PageDown: 6, Home: -Infinity, End: Infinity };
    if (!Object.hasOwn(steps, event.key) || this.#buckets.length === 0) return;
    event.preventDefault();
    this.#choose(Math.min(this.#buckets.length - 1, Math.max(0, this.#chosen + steps[event.key])));
  }

  #nearest(event) {
    if (this.#place === null) return -1;
    const time = this.#place.timeAt(event.clientX - this.#node.getBoundingClientRect().left);
    const distances = this.#buckets.map((bucket) => Math.abs((bucket.start + bucket.end) / 2 - time));
    return distances.indexOf(Math.min(...distances));
  }

  #choose(index) {
    if (index === this.#chosen) return;
    this.#chosen = index;
    this.#draw();
  }

  #draw() {
    const [width, height] = [this.#node.clientWidth, this.#node.clientHeight];
    if (width === 0) return;
    const span = spans[this.#spanName];
    const end = Math.ceil(daemonNow() / span.bucket) * span.bucket;
    const box = { left: 52, right: width - 6, top: 12, base: height - 92, barTop: height - 76, bottom: height - 26 };
    const x = (time) => box.left + ((time - end + span.length) / span.length) * (box.right - box.left);
    this.#place = { timeAt: (at) => end - span.length + ((at - box.left) / (box.right - box.left)) * span.length };
    const drawing = makeDrawing("svg", { viewBox: `0 0 ${width} ${height}`, "aria-hidden": "true" });
    this.#drawAxis(drawing, box, x, span, end);
    if (this.#buckets.length > 0) {
      this.#drawRatios(drawing, box, x);
      this.#drawCarried(drawing, box, x);
    }
    this.#node.replaceChildren(drawing);
    this.#say();
  }

  #drawAxis(drawing, box, x, span, end) {
    for (const level of [box.base, box.bottom]) drawing.append(this.#line(box.left, level, box.right, level, "base"));
    // a narrow screen has room for half of the labels
    const tick = span.tick * (box.right - box.left < 480 ? 2 : 1);
    for (let time = Math.ceil((end - span.length) / tick) * tick; time <= end; time += tick) {
      const at = x(time);
      const anchor = at > box.right - 20 ? "end" : at < box.left + 16 ? "start" : "middle";
      drawing.append(this.#text(span.label(new Date(time)), at, box.bottom + 18, anchor));
    }
  }

  #drawRatios(drawing, box, x) {
    const largest = Math.max(1, ...this.#buckets.map((bucket) => Math.max(bucket.raw ?? 0, bucket.zstd ?? 0)));
    const ticks = ticksTo(largest, 4);
    const y = (ratio) => box.base - (ratio / ticks.at(-1)) * (box.base - box.top);
    for (const value of ticks.slice(1)) drawing.append(this.#line(box.left, y(value), box.right, y(value), "grid"));
    for (const value of ticks) drawing.append(this.#text(`${grouped.format(value)}×`, box.left - 8, y(value) + 4, "end"));
    drawing.append(makeDrawing("path", { class: "area", d: this.#steps("raw", x, y, true) }));
    drawing.append(makeDrawing("path", { class: "zstd", d: this.#steps("zstd", x, y, false) }));
    drawing.append(makeDrawing("path", { class: "raw", d: this.#steps("raw", x, y, false) }));
    const chosen = this.#buckets[this.#chosen];
    if (chosen === undefined) return;
    const middle = (x(chosen.start) + x(chosen.end)) / 2;
    drawing.append(this.#line(middle, box.top, middle, box.bottom, "cursor"));
    if (chosen.raw !== null) drawing.append(makeDrawing("circle", { cx: middle, cy: y(chosen.raw), r: 4.5 }));
  }

  #drawCarried(drawing, box, x) {
    const largest = Math.max(...this.#buckets.map((bucket) => bucket.link_bytes), 1);
    drawing.append(this.#text(sizeText(largest), box.left - 8, box.barTop + 8, "end"));
    this.#buckets.forEach((bucket, index) => {
      const tall = Math.max(1, (bucket.link_bytes / largest) * (box.bottom - box.barTop));
      const wide = Math.max(1, x(bucket.end) - x(bucket.start) - 2);
      drawing.append(
        makeDrawing("rect", {
          class: index === this.#chosen ? "carried chosen" : "carried", x: x(bucket.start) + 1, y: box.bottom - tall,
          width: wide, height: tall, rx: Math.min(2, wide / 2),
        }),
      );
    });
  }

  /** A path of steps; it breaks where a bucket is missing. With `closed` each run goes down to the base. */
  #steps(name, x, y, closed) {
    let path = "";
    let previous = null;
    for (const bucket of this.#buckets) {
      if (bucket[name] === null) continue;
      const goesOn = previous !== null && previous.end === bucket.start;
      if (closed && !goesOn && previous !== null) path += `V${y(0)}Z`;
      if (!goesOn) path += closed ? `M${x(bucket.start)},${y(0)}V${y(bucket[name])}` : `M${x(bucket.start)},${y(bucket[name])}`;
      path += `V${y(bucket[name])}H${x(bucket.end)}`;
      previous = bucket;
    }
    return closed && previous !== null ? `${path}V${y(0)}Z` : path;
  }

  #line(x1, y1, x2, y2, name) {
    return makeDrawing("line", { x1, y1, x2, y2, class: name });
  }

  #text(text, x, y, anchor) {
    const node = makeDrawing("text", { x, y, "text-anchor": anchor });
    node.textContent = text;
    return node;
  }

  /** What the cursor stands on, in words: the line below, and the value of the slider. */
  #say() {
    const bucket = this.#buckets[this.#chosen];
    const text =
      bucket === undefined
        ? "Nothing was sent in this span."
        : `${this.#startText(bucket)} UTC, ${spanText((bucket.end - bucket.start) / 1000)}: ` +
          `${bucket.raw === null ? "nothing delivered" : `${ratioText(bucket.raw)}, ${sizeText(bucket.raw_bytes)} of frames`}` +
          ` in ${sizeText(bucket.link_bytes)} on the line${bucket.zstd === null ? "" : `, lossless zstd ${ratioText(bucket.zstd)}`}.`;
    setText("readout", text);
    this.#node.setAttribute("aria-valuemax", String(Math.max(0, this.#buckets.length - 1)));
    this.#node.setAttribute("aria-valuenow", String(Math.max(0, this.#chosen)));
    this.#node.setAttribute("aria-valuetext", text);
  }
}
