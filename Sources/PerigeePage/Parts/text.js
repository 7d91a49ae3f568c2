"use strict";

// Numbers, times and ratios as text. A figure never parts from its unit: the space between them does not break.

const grouped = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const space = "\u00a0";
const unknown = "–";

/** Three significant digits. */
function figures(value) {
  if (value >= 100 || value === 0) return grouped.format(value);
  return value.toFixed(value >= 10 ? 1 : 2);
}

/** `value` in steps of 1,000: figure and unit apart. */
function scaled(value, units) {
  let step = 0;
  while (step + 1 < units.length && Math.abs(value) >= 999.5) {
    value /= 1000;
    step += 1;
  }
  return [step === 0 ? grouped.format(value) : figures(value), units[step]];
}

const sizeUnits = ["B", "kB", "MB", "GB", "TB", "PB"];

function sizeText(octets) {
  return isNumber(octets) ? scaled(octets, sizeUnits).join(space) : unknown;
}

function rateText(bits) {
  return isNumber(bits) ? scaled(bits, ["bit/s", "kbit/s", "Mbit/s", "Gbit/s"]).join(space) : unknown;
}

function countText(value) {
  return isNumber(value) ? grouped.format(value) : unknown;
}

/** A count and its noun. */
function counted(value, noun) {
  return `${countText(value)}${space}${noun}${value === 1 ? "" : "s"}`;
}

function ratioText(value) {
  return isNumber(value) ? `${figures(value)}×` : unknown;
}

function isNumber(value) {
  return typeof value === "number" && Number.isFinite(value);
}

/** The two largest units of a span of time. */
function spanText(seconds) {
  if (!isNumber(seconds)) return unknown;
  const whole = Math.round(seconds);
  if (seconds < 10 && seconds !== whole) return `${seconds.toFixed(1)}${space}s`;
  const parts = [
    [Math.floor(whole / 86400), "d"],
    [Math.floor(whole / 3600) % 24, "h"],
    [Math.floor(whole / 60) % 60, "min"],
    [whole % 60, "s"],
  ];
  const first = parts.findIndex(([amount]) => amount > 0);
  if (first < 0) return `0${space}s`;
  return parts
    .slice(first, first + 2)
    .filter(([amount]) => amount > 0)
    .map(([amount, unit]) => amount + space + unit)
    .join(" ");
}

function ageText(milliseconds) {
  const seconds = Math.max(0, Math.round(milliseconds / 1000));
  return seconds === 0 ? "now" : `${spanText(seconds)} ago`;
}

const months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** A moment in UTC; where its day is not `now`'s, with the day and without seconds. */
function momentText(milliseconds, now) {
  const date = new Date(milliseconds);
  const text = date.toISOString();
  if (text.slice(0, 10) === new Date(now).toISOString().slice(0, 10)) return `${text.slice(11, 19)}${space}UTC`;
  return `${dayText(date)} ${text.slice(11, 16)}${space}UTC`;
}

function dayText(date) {
  return `${date.getUTCDate()}${space}${months[date.getUTCMonth()]}`;
}
