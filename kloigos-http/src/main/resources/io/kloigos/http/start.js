// Lists servers and units and keeps the lists as they are on the server.
const servers = new Map();
const units = new Map();

const tone = status =>
  /fail/.test(status) ? 'bad' : /ing$/.test(status) ? 'busy' : { free: 'good', ready: 'good', allocated: 'used' }[status] ?? 'idle';

function cell(text) {
  const td = document.createElement('td');
  td.textContent = text ?? '';
  return td;
}

function status({ status, reason }) {
  const td = document.createElement('td');
  const badge = document.createElement('span');
  badge.className = `status ${tone(status)}`;
  badge.textContent = status;
  badge.title = reason ?? '';
  td.append(badge);
  return td;
}

function certificate({ compute_id }) {
  const td = document.createElement('td');
  const button = document.createElement('button');
  button.textContent = 'certificate';
  button.addEventListener('click', () => showCertificate(compute_id));
  td.append(button);
  return td;
}

async function showCertificate(unit) {
  const answer = await fetch(`/api/compute_units/${encodeURIComponent(unit)}/certificate`);
  const now = await answer.json();
  const dialog = document.getElementById('certificate');
  const remarks = (now.findings ?? []).filter(finding => finding.state !== 'clean');
  dialog.querySelector('h2').textContent = unit;
  dialog.querySelector('p').textContent = !answer.ok ? now.detail
    : `${now.at}: ${now.findings.length - remarks.length} of ${now.findings.length} kinds of traces are clean.`
      + (now.forced_reason ? ` Forced by operator: ${now.forced_reason}` : '');
  dialog.querySelector('ul').replaceChildren(...remarks.map(({ trace, state, detail }) => {
    const li = document.createElement('li');
    li.textContent = `${trace} ${state}: ${detail}`;
    return li;
  }));
  dialog.showModal();
}

function row(cells) {
  const tr = document.createElement('tr');
  tr.append(...cells);
  return tr;
}

function show() {
  document.getElementById('servers').replaceChildren(...[...servers.values()].map(server => row([
    cell(server.hostname), cell(server.ip), cell(`${server.region}/${server.zone}`), cell(server.facts.online_cpus),
    cell(server.housekeeping_cpus),
    status(server.cordoned ? { status: 'cordoned', reason: server.cordon_reason } : server)])));
  document.getElementById('units').replaceChildren(...[...units.values()].map(unit => row([
    cell(unit.compute_id), cell(unit.user), cell(unit.cpu_range), cell(unit.ports_range), cell(unit.tags.deployment_id),
    status(unit.stopped && unit.status === 'allocated' ? { status: 'stopped', reason: unit.reason } : unit), certificate(unit)])));
  document.getElementById('no-servers').hidden = servers.size > 0;
  document.getElementById('no-units').hidden = units.size > 0;
}

async function load(path, map, key) {
  const answer = await fetch(path);
  const list = answer.ok ? await answer.json() : [];
  map.clear();
  list.forEach(each => map.set(each[key], each));
}

function connection(live, text) {
  const shown = document.getElementById('connection');
  shown.textContent = text;
  shown.classList.toggle('live', live);
}

// Many events come at once; one drawing per frame shows them all.
let drawing = false;
function showSoon() {
  if (!drawing) {
    drawing = true;
    requestAnimationFrame(() => { drawing = false; show(); });
  }
}

function refresh() {
  return Promise.all([load('/api/servers', servers, 'hostname'), load('/api/compute_units', units, 'compute_id')]).then(show);
}

fetch('/healthz').then(answer => answer.json()).then(health => {
  document.getElementById('simulated').hidden = !health.simulated;
});
let loaded = refresh();
const events = new EventSource('/api/events');
events.onopen = () => {
  // Nothing is told twice: what happened before or between connections is in the lists.
  loaded = refresh();
  connection(true, 'live');
};
events.onerror = () => connection(false, 'connecting');

// What is told while the lists are on their way is newer than they are.
function keep(name, map, key) {
  events.addEventListener(name, event => loaded.then(() => {
    const now = JSON.parse(event.data);
    map.set(now[key], now);
    showSoon();
  }));
}
keep('server', servers, 'hostname');
keep('unit', units, 'compute_id');
