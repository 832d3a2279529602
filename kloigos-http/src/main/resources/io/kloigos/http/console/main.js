// Puts the console together: who is logged in, what is known of the fleet, which page is shown, and when it is drawn.

import { html, nothing, render } from './lit.js';
import { ago } from './format.js';
import { createClient } from './request.js';
import { createDialog } from './dialog.js';
import { createInspector } from './inspector.js';
import { createLogin } from './login.js';
import { createNotices } from './notices.js';
import { followLogs } from './operation-log.js';
import { busy, heading, problem } from './parts.js';
import { createRouter } from './router.js';
import { createSession } from './session.js';
import { createStore } from './store.js';
import { isUnderWay } from './status.js';
import { createTheme } from './theme.js';
import { curl } from './curl.js';
import { allocatePage } from './pages/allocate.js';
import { auditPage } from './pages/audit.js';
import { fleetPage } from './pages/fleet.js';
import { initPage } from './pages/init.js';
import { operationPage } from './pages/operation.js';
import { operationsPage } from './pages/operations.js';
import { serverPage } from './pages/server.js';
import { tokensPage } from './pages/tokens.js';
import { unitPage } from './pages/unit.js';

const FLEET = 'fleet';

/** Each page, and the request without which it would be of no use; and whether it is of the fleet, and waits until that is known. */
const PAGES = [
  ['/', fleetPage, 'GET /api/compute_units', FLEET],
  ['/units/:id', unitPage, 'GET /api/compute_units', FLEET],
  ['/servers/:hostname', serverPage, 'GET /api/servers', FLEET],
  ['/allocate', allocatePage, 'POST /api/compute_units/allocate', FLEET],
  ['/init', initPage, 'POST /api/admin/init_server'],
  ['/operations', operationsPage, 'GET /api/operations', FLEET],
  ['/operations/:id', operationPage, 'GET /api/operations/{id}'],
  ['/audit', auditPage, 'GET /api/audit'],
  ['/tokens', tokensPage, 'GET /api/tokens'],
];
const NAVIGATION = [['/', 'Fleet'], ['/allocate', 'Allocate'], ['/init', 'Init'], ['/operations', 'Operations'], ['/audit', 'Audit'], ['/tokens', 'Tokens']];
const SECOND = 1000;
const CLOCK_SECONDS = 10;

const root = document.getElementById('console');
let isDrawing = false;
let seconds = 0;
let page = null;
let isSimulated = false;

const client = createClient({ unauthenticated: () => session.expired(), sent: changed });
const session = createSession(client);
const store = createStore({
  client, changed, may: session.may, refused: askWho,
  expiring: unit => notices.done(`${unit.compute_id} is taken back from its tenant ${ago(unit.expires_at)}`),
});
const asCurl = request => curl(request, location.origin, session.isOn);
const notices = createNotices(store.operations, changed);
const dialog = createDialog({ client, session, curl: asCurl, changed, done, failed });
const inspector = createInspector({ log: client.log, curl: asCurl, changed });
const login = createLogin({ session, entered: () => location.reload(), changed });
const theme = createTheme(() => {
  page?.restyle?.();
  changed();
});
const router = createRouter(PAGES.map(([path, open, route, needs]) => [path, { open, route, needs }]), arrived);

/** Many things change at once; one drawing per frame shows them all. */
function changed() {
  if (!isDrawing) {
    isDrawing = true;
    requestAnimationFrame(() => {
      isDrawing = false;
      draw();
    });
  }
}

function done(action, { operationId, data }) {
  const what = `${action.label} of ${action.name}`;
  const begun = data?.operations?.map(operation => operation.id) ?? (operationId && !data?.compute_id ? [operationId] : []);
  if (begun.length) notices.begun(`${what} has begun`, begun);
  else notices.done(`${what} is done`, operationId);
  action.ended?.({ data });
}

/** Whoever has closed the dialog meanwhile is told here. */
function failed(action, error) {
  notices.failed(`${action.label} of ${action.name} failed: ${error.message}`);
}

function arrived(isOtherPage = true) {
  if (isOtherPage) {
    open();
    draw();
    root.querySelector('h1')?.focus({ preventScroll: true });
    scrollTo(0, 0);
  } else {
    changed();
  }
}

function open() {
  page?.close?.();
  const { current } = router;
  if (!current) page = null;
  else if (!session.may(current.page.route)) page = { title: 'Not allowed', view: refusal };
  else if (current.page.needs === FLEET && !store.isLoaded()) page = waiting;
  else page = current.page.open({ store, client, session, router, dialog, changed, done, curl: asCurl }, current.parameters);
}

const refusal = () => html`<h1 tabindex="-1">Not allowed</h1><p>You have the role ${session.role}, which this page is not for. <a href="/">${home()}</a></p>`;
const home = () => (session.may('GET /api/servers') ? 'Fleet' : 'Your units');

const LIVE = { live: ['good', '●', 'live'], connecting: ['busy', '◐', 'connecting'], lost: ['bad', '○', 'connection lost, reconnecting'], stale: ['bad', '○', 'lists could not be read'] };

function connection() {
  const { state, since, problem } = store.connection;
  const [tone, symbol, text] = LIVE[state];
  return html`<span class="connection ${tone}" role="status" title=${problem ?? ''}><span aria-hidden="true">${symbol}</span> ${text}${state === 'lost' || state === 'stale' ? ` since ${ago(since)}` : ''}</span>`;
}

function link([path, label]) {
  if (!session.may(PAGES.find(each => each[0] === path)[2])) return nothing;
  const isHere = location.pathname === path || (path === '/operations' && location.pathname.startsWith('/operations/'));
  return html`<li><a href=${path} aria-current=${isHere ? 'page' : nothing}>${path === '/' ? home() : label}</a></li>`;
}

function header() {
  return html`
    <a class="skip" href="#main">Skip to the content</a>
    <header class="bar">
      <a class="home" href="/"><img src="/icon.svg" alt="" width="22" height="22"> Kloigos</a>
      <nav aria-label="Pages"><ul>${NAVIGATION.map(link)}</ul></nav>
      ${connection()}
      <div class="tools">
        <button type="button" aria-pressed=${inspector.isOpen ? 'true' : 'false'} @click=${inspector.toggle}>API</button>
        <button type="button" @click=${theme.next} aria-label="Theme: ${theme.name}">${{ system: '◑', light: '☀', dark: '☾' }[theme.name]}</button>
        ${session.isOn ? html`<span class="who">${session.subject}, ${session.role}${session.tenant ? ` of ${session.tenant}` : ''}</span><button type="button" @click=${leave}>Log out</button>` : nothing}
      </div>
    </header>
    ${isSimulated ? html`<p class="simulated" role="note">This fleet is simulated: none of these servers exists.</p>` : nothing}`;
}

function draw() {
  if (!session.isKnown) return;
  if (page === waiting && store.isLoaded()) open();
  if (session.isNeeded) {
    store.disconnect();
    page?.close?.();
    page = null;
    document.title = 'Log in - Kloigos';
    render(login.view(), root);
    return;
  }
  document.title = `${page?.title ?? 'Not found'} - Kloigos`;
  render(html`
    ${header()}
    <div class="frame ${inspector.isOpen ? 'inspecting' : ''}">
      <main id="main" tabindex="-1">${page ? page.view() : html`<h1 tabindex="-1">Not found</h1><p>There is no page at ${location.pathname}. <a href="/">Fleet</a></p>`}</main>
      ${inspector.view()}
    </div>
    ${dialog.view()}${notices.view()}`, root);
  followLogs(root);
}

/** Nothing is said of a fleet that is not known yet. */
const waiting = {
  title: 'Reading the fleet',
  view() {
    const { state, problem: found } = store.connection;
    return html`${heading(waiting.title)}${state === 'stale' ? problem({ message: found }, 'The fleet cannot be read') : busy('Asking for servers and units')}`;
  },
};

/** How long ago something was grows; what is under way does so by the second. */
function tick() {
  seconds++;
  if (seconds % CLOCK_SECONDS === 0 || [...store.operations.values()].some(isUnderWay)) changed();
}

/** The server tells no events: because somebody has to log in, or because it is not there. */
async function askWho() {
  await session.look().catch(() => {});
  changed();
}

/** What one has seen is not for the next, so nothing of it stays. */
async function leave() {
  await session.logOut();
  location.reload();
}

function begin() {
  store.connect();
  open();
  draw();
}

async function start() {
  await session.look();
  const health = await client.get('GET /healthz', { quiet: true }).catch(() => null);
  isSimulated = Boolean(health?.simulated);
  if (session.isNeeded) draw();
  else begin();
  setInterval(tick, SECOND);
}

root.replaceChildren();
start();
