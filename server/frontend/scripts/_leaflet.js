// The cluster layer looks for Leaflet in the window.
import * as leaflet from "leaflet";

const L = { ...leaflet.default, ...leaflet };
window.L = L;
export default L;
