/* "My visits": its times become the clinician's own, as on every other page. The list works without it. */

import { showLocalTimes } from "./shell.js";

showLocalTimes(document.getElementById("main"));
