// What differs on a host from what the inventory says, as the newest look found it, and a look at it now.

import { html, nothing } from './lit.js';
import { ago, plural } from './format.js';
import { busy, panel, problem, unitLink } from './parts.js';

/** @param route tells what differs on what is named by `of` */
export function createDriftPanel({ client, changed, route, of }) {
  const look = { report: null, error: null, isLooking: false, isKnown: false };

  async function ask(query) {
    look.isLooking = true;
    look.error = null;
    changed();
    try {
      look.report = await client.get(route, { of, query });
    } catch (error) {
      if (error.status !== 404) look.error = error;
    }
    Object.assign(look, { isLooking: false, isKnown: true });
    changed();
  }

  /**
   * @param told a newer report, if an event has told one
   * @param server the newest report on the whole server, where this is of one unit
   */
  function view({ actions = nothing, told = null, server = null } = {}) {
    // An event may have told of a newer look than this page has asked for.
    const report = told && (!look.report || told.checked_at > look.report.checked_at) ? told : look.report;
    return panel('Drift', html`
      ${look.isLooking ? busy('Looking at the host') : nothing}
      ${problem(look.error, 'Cannot look')}
      ${report ? found(report) : look.isLooking || look.error ? nothing : html`<p class="empty">${look.isKnown ? 'Nobody has looked yet. ' : ''}A look compares the host with what the inventory says.</p>`}
      ${server ? apart(server) : nothing}`, {
      wide: true,
      actions: html`<button type="button" ?disabled=${look.isLooking} @click=${() => ask({})}>Look now</button>${actions}`,
    });
  }

  return { view, begin: () => ask({ kept: true }) };
}

/** What is wrong with the server as a whole concerns each of its units, and is none of theirs. */
function apart({ hostname, deviations }) {
  const own = deviations.filter(each => !each.compute_id).length;
  return own ? html`<p>Apart from the unit, <strong>${plural(own, 'fact')} of the server itself</strong> ${own === 1 ? 'differs' : 'differ'}: see <a href="/servers/${encodeURIComponent(hostname)}">${hostname}</a>.</p>` : nothing;
}

function found(report) {
  const when = html`<time datetime=${report.checked_at}>${ago(report.checked_at)}</time>`;
  if (report.facts === 0) return html`<p class="empty">Left out by the look ${when}: what it holds is not known while something is under way on it, or has failed.</p>`;
  if (report.deviations.length === 0) return html`<p><span class="good" aria-hidden="true">✓</span> As the inventory says: ${plural(report.facts, 'fact')} compared ${when}.</p>`;
  return html`
    <p><strong>${plural(report.deviations.length, 'fact')} of ${report.facts} ${report.deviations.length === 1 ? 'differs' : 'differ'}</strong>, looked at ${when}.</p>
    <div class="table" role="region" aria-label="What differs" tabindex="0"><table>
      <thead><tr><th scope="col">Fact</th><th scope="col">Unit</th><th scope="col">Of</th><th scope="col">Expected</th><th scope="col">Found</th><th scope="col">Mended by</th></tr></thead>
      <tbody>${report.deviations.map(each => html`<tr><th scope="row">${each.kind}</th><td>${each.compute_id ? unitLink(each.compute_id) : 'the server'}</td>
        <td class="mono">${each.subject}</td><td class="mono">${each.expected}</td><td class="mono">${each.actual}</td><td>${each.remedy === 'repair' ? 'a repair' : 'an operator'}</td></tr>`)}</tbody>
    </table></div>`;
}
