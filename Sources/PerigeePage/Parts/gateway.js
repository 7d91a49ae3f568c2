// The page of a gateway.

const wantWords = ["open", "asked", "accepted", "done", "gone", "unknown"];

function cell(label, name, ...children) {
  return make("td", { "data-label": label, class: name }, ...children);
}

function showSaving(status) {
  const { saving } = status;
  const ratio = saving.raw_over_link;
  fill("ratio", ratio, ratioFigure);
  fill("lead", saving, () =>
    ratio === null
      ? "No station has told yet what it delivered: stations do when their line is idle."
      : `${sizeText(saving.raw_bytes)} in ${counted(saving.frames, "frame")} of all stations took ${sizeText(saving.link_bytes)} ` +
        `on the lines${savedText(ratio)}`,
  );
  fill("compare", saving, () =>
    comparison([
      ["Frames as they came", "the samples of what was delivered", saving.raw_bytes, ratio, "raw over link"],
      ["On the lines, everything", "framing, heartbeats, sent again", saving.link_bytes, null, ""],
      ["Packets alone", "what the codec made of the frames", saving.packet_bytes, saving.raw_over_packets, "raw over packets"],
    ]),
  );
}

function stationMark(station) {
  if (station.identity_conflict) return mark("page", "Two of one name");
  return station.connected ? mark("live", "Connected") : mark("stale", "Away");
}

function stationRow(station) {
  const alerts = station.alerts.map((alert) => alert.name).join(", ");
  return make(
    "tr",
    {},
    make("th", { scope: "row" }, station.name, alerts === "" ? null : make("small", {}, alerts)),
    cell("Link", null, stationMark(station)),
    cell("Last contact", null, moment(station.last_contact, "moment"), make("small", {}, moment(station.last_contact, "age"))),
    cell("Backlog", "number", sizeText(station.backlog_bytes), make("small", {}, backlogText(station))),
    cell("Gaps", "number", station.gaps > 0 ? mark("gap", countText(station.gaps)) : "0"),
    cell("Raw over link", "number", ...savingTexts(station.saving)),
    cell("Frame to ACK", "number", ...delayTexts(station.frame_to_ack_seconds)),
    cell("Wants", "number", countText(station.wants)),
  );
}

function savingTexts(saving) {
  return [ratioText(saving.raw_over_link), make("small", {}, `${counted(saving.frames, "frame")}, ${sizeText(saving.raw_bytes)}`)];
}

function delayTexts(delay) {
  return delay === null ? [unknown] : [spanText(delay.p50), make("small", {}, `99 of 100 within ${spanText(delay.p99)}`)];
}

function backlogText(station) {
  if (station.backlog_packets === 0) return "nothing waits";
  return `${counted(station.backlog_packets, "packet")}, oldest ${spanText(station.backlog_oldest_seconds)}`;
}

function showStations(status) {
  const { stations } = status;
  byID("stations-empty").hidden = stations.length > 0;
  byID("stations-table").hidden = stations.length === 0;
  const connected = stations.filter((station) => station.connected).length;
  setText("stations-count", stations.length === 0 ? "" : `${countText(connected)} of ${countText(stations.length)} connected`);
  fill("stations", stations, () => stations.map(stationRow));
}

function showPackets(status) {
  setText("stored", countText(status.stored));
  const names = ["packets", "octets", "duplicates", "conflicts", "rejected", "tombstones", "buried_numbers", "gaps", "strange_messages"];
  fill("packets", names.map((name) => status[name]), () =>
    facts([
      ["Came", `${countText(status.packets)}, ${sizeText(status.octets)}`],
      ["Twice", countText(status.duplicates)],
      ["Conflicts", status.conflicts > 0 ? mark("page", countText(status.conflicts)) : "0"],
      ["Rejected", countText(status.rejected)],
      ["Explained by tombstones", countText(status.buried_numbers)],
      ["Gaps nobody explains", status.gaps > 0 ? mark("gap", countText(status.gaps)) : "0"],
      ["Strange messages", countText(status.strange_messages)],
    ]),
  );
}

function referenceFacts(counts) {
  return [
    ["Frames that wait for a reference", countText(counts.waiting_for_reference)],
    ["Frames whose reference differs", countText(counts.reference_differs)],
    ["Frames given up", counts.given_up > 0 ? mark("ticket", countText(counts.given_up)) : "0"],
    ["References fetched", countText(counts.fetched)],
    ["Frames sent again plain", countText(counts.replaced)],
  ];
}

function showWants(status) {
  const { wants, references } = status;
  setText("wanted", countText(wants.open + wants.asked + wants.accepted));
  fill("wants", [wants, references], () =>
    facts([
      ...wantWords.map((word) => [word[0].toUpperCase() + word.slice(1), countText(wants[word])]),
      ...(references === null ? [] : referenceFacts(references)),
    ]),
  );
}

function showKeys(status) {
  const { keys } = status;
  setText("denied", keys === null ? unknown : countText(keys.connections_denied));
  fill("keys", [keys, status.failed_greetings, status.denied_messages], () =>
    facts([
      ["Who may connect", keys === null ? mark("ticket", "everybody, no keys") : counted(keys.stations, "station")],
      keys === null ? null : ["Admitted", counted(keys.connections_admitted, "connection")],
      ["Greetings that failed", countText(status.failed_greetings)],
      ["Messages denied", countText(status.denied_messages)],
      keys === null ? null : ["Problems", keys.problems.length === 0 ? mark("ok", "none") : mark("ticket", countText(keys.problems.length))],
      ...(keys?.problems ?? []).map((problem, index) => [`Problem ${index + 1}`, problem]),
    ]),
  );
}

function showFirmware(status) {
  const offers = status.firmware?.offers ?? [];
  const progress = Object.entries(status.firmware?.stations ?? {});
  byID("offers-empty").hidden = offers.length + progress.length > 0;
  byID("offers-table").hidden = offers.length === 0;
  byID("progress-table").hidden = progress.length === 0;
  fill("offers", offers, () =>
    offers.map((offer) =>
      make(
        "tr",
        {},
        make("th", { scope: "row" }, offer.file),
        cell("Version", "number", `${offer.version}`),
        cell("Firmware", null, make("code", {}, offer.firmware)),
        cell("Size", "number", sizeText(offer.bytes)),
        cell("For", null, offer.stations === null ? "all stations" : offer.stations.join(", ")),
      ),
    ),
  );
  fill("progress", progress, () =>
    progress.map(([name, known]) =>
      make(
        "tr",
        {},
        make("th", { scope: "row" }, name),
        cell("Version", "number", `${known.version}`),
        cell("Stage", null, known.stage ?? "offered"),
        cell("Fetched", "number", sizeText(known.fetched)),
        cell("Reason", null, known.reason === "" ? unknown : known.reason),
      ),
    ),
  );
}

function showGateway(status) {
  fill("process", [status.clock, status.started, status.version, status.pid, status.memory_bytes, status.disk_free_bytes, status.endpoint], () =>
    facts([
      ["Clock", clockMark(status.clock.synchronised)],
      ["Running since", moment(status.started)],
      ["Endpoint", make("code", {}, status.endpoint)],
      ["Version", status.version],
      ["Process", `${status.pid}`],
      ["Memory", sizeText(status.memory_bytes)],
      ["Disk free", sizeText(status.disk_free_bytes)],
    ]),
  );
}

watch(
  "perigee-gateway",
  (status, isStuck) => {
    showHead(status, "All stations", "gateway");
    if (isStuck) showNotice("bad", "perigee-gateway answers, but its status stands still since ", moment(status.updated), ".");
    else if (status.state === "stopping") showNotice("warn", "The gateway is stopping.");
    else hideNotice();
    for (const show of [showAlerts, showSaving, showStations, showPackets, showWants, showKeys, showFirmware, showGateway, showConfiguration]) show(status);
  },
  showEvents,
);
