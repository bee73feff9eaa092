// What every page does: keys, rows that open their thing, drafts, filters, small things of the frame. Each part is its own module.
import { setUpBell } from "./bell.js";
import { setUpKeys } from "./keys.js";
import { setUpDrafts } from "./drafts.js";
import { setUpForms } from "./forms.js";
import { setUpScrolls } from "./scrolls.js";

setUpBell();
setUpKeys();
setUpDrafts();
setUpForms();
setUpScrolls();
