import type { PageParts } from "../frame";
import { COURSE } from "../site-map";

/** How to run the course. */
export const runPage = (): PageParts => ({
  kind: "index",
  title: `Run it · ${COURSE}`,
  description: "What running the MQTT labs needs, how being judged works, and what stays behind.",
  file: "run.html",
  main: `<h1>Run the labs yourself</h1>
<p class="lead">You need Node 20.19 or newer and Python 3.10 or newer with <code>venv</code>. Everything else is brought into the course’s own folder.</p>
<ol>
<li>Get the course’s folder.</li>
<li>In it: <code>npm start</code>. The first time it brings JupyterLab and compiles the helpers; then it opens JupyterLab on your own copies of the labs.</li>
<li>Open a lab, and run its cells from the top. Any cell may run twice.</li>
</ol>
<p>Brokers run in containers where an engine such as Docker or Podman answers. Without one, the course runs Mosquitto itself as WebAssembly, or a <code>mosquitto</code> that is installed. <code>npm run doctor</code> says what your machine can run and, for each lack, the one command that mends it.</p>
<h2 id="judged">Being judged</h2>
<p>Below each exercise stands a locked check. It starts its own brokers and clients, tries what you wrote, and shows a card: what was expected, what was observed, and where to look next. <code>lab.hint("…")</code> gives three hints, one at a time, and <code>lab.score()</code> says where you stand.</p>
<h2 id="stuck">When something does not answer</h2>
<p><code>lab.health(broker)</code> says where the way to a broker ends: process, port map, TCP, MQTT. Errors have a code, a sentence and the next thing to try. Interrupting a cell ends the cell; brokers and variables stay.</p>
<h2 id="ends">What stays behind</h2>
<p>Nothing outside the folder. Whatever a notebook started ends with its kernel; <code>npm run clean</code> removes images and caches, and says first how much disk each takes.</p>
<h2 id="site">These pages</h2>
<p><code>npm run site</code> executes the labs that have not been executed since they changed, and renders them into <code>site/dist</code>: plain files, for any server or none. A run on another release of the broker adds its column to the <a href="statements.html">ledger</a>: <code>npm run course -- --mosquitto 2.0.21</code>, then <code>npm run site</code> again.</p>`,
});
