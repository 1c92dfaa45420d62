// A map as a layer over a table of places: the table is the way in for everybody, the map an overview for those who see it.
import L from "./_leaflet.js";
import "leaflet.markercluster";

const blue = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

for (const frame of document.querySelectorAll("[data-table]")) {
  const rows = [...document.querySelectorAll(`#${CSS.escape(frame.dataset.table)} [data-lat]`)];
  if (rows.length) draw(frame, rows);
}

function draw(frame, rows) {
  frame.hidden = false;
  const place = frame.querySelector(".map");
  place.setAttribute("role", "region");
  place.setAttribute("aria-label", frame.dataset.label);
  const map = L.map(place, { attributionControl: Boolean(frame.dataset.tiles), zoomSnap: 0.5, maxZoom: 18 });
  map.attributionControl?.setPrefix(false);
  L.control.scale({ imperial: false }).addTo(map);
  const group = L.markerClusterGroup({
    showCoverageOnHover: false,
    chunkedLoading: true,
    iconCreateFunction: (cluster) => {
      const text = frame.dataset.grouped.replace("%(number)s", cluster.getChildCount());
      return L.divIcon({ className: "cluster", html: `<span aria-hidden="true">${cluster.getChildCount()}</span><span class="unseen">${text}</span>`, iconSize: [38, 38] });
    },
  });
  for (const row of rows) group.addLayer(marker(row));
  map.addLayer(group);
  map.fitBounds(group.getBounds().pad(0.1), { maxZoom: 14 });
  if (frame.dataset.border) border(map, frame.dataset.border, Boolean(frame.dataset.tiles));
  if (frame.dataset.tiles) offer(frame, map);
}

function marker(row) {
  const link = row.querySelector("a");
  const name = (link ?? row.querySelector("th")).textContent.trim();
  const popup = document.createElement(link ? "a" : "span");
  if (link) popup.href = link.href;
  popup.textContent = name;
  const icon = L.divIcon({ className: "pin", iconSize: [24, 24] });
  return L.marker([row.dataset.lat, row.dataset.lon], { icon, title: name, alt: name }).bindPopup(popup);
}

async function border(map, address, tiled) {
  const answer = await fetch(address);
  if (!answer.ok) return;
  const style = { color: blue("--ds-color-accent-border-default"), weight: 1.5, fillColor: blue("--ds-color-accent-surface-tinted"), fillOpacity: tiled ? 0 : 1 };
  // Where the site is comes first: one misplaced point should not shrink everything else to a dot.
  map.fitBounds(L.geoJSON(await answer.json(), { style, interactive: false }).addTo(map).getBounds());
}

// Tiles come from somebody else's server, so they are fetched only when the visitor has asked for them.
function offer(frame, map) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "quiet";
  button.textContent = frame.dataset.show;
  button.addEventListener("click", () => {
    L.tileLayer(frame.dataset.tiles, { attribution: frame.dataset.attribution, maxZoom: 19 }).addTo(map);
    button.remove();
  });
  frame.append(button);
}
