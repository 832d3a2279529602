// Shows the API document. A session's cookie goes with every request to this server by itself; a token is given by "Authorize".

const dark = matchMedia('(prefers-color-scheme: dark)');

/** As the console has it: what was chosen there, or else the system's. */
function colour() {
  const chosen = localStorage.getItem('kloigos-theme');
  document.documentElement.classList.toggle('dark-mode', chosen === 'dark' || (chosen !== 'light' && dark.matches));
}

colour();
dark.addEventListener('change', colour);
// Another tab has chosen otherwise.
addEventListener('storage', colour);

const main = document.getElementById('docs');

async function session() {
  const answer = await fetch('/api/session', { headers: { Accept: 'application/json' } });
  return answer.ok ? answer.json() : { authentication: true, authenticated: false };
}

function askToLogIn() {
  const text = document.createElement('p');
  const link = document.createElement('a');
  link.href = '/';
  link.textContent = 'Log in';
  text.append(link, ' first, then come back: who may not use this server is not told what it does.');
  main.replaceChildren(text);
}

function show({ authentication, subject }) {
  document.getElementById('who').textContent = authentication ? `as ${subject}` : '';
  main.replaceChildren();
  window.SwaggerUIBundle({
    url: '/api/openapi.json',
    domNode: main,
    deepLinking: true,
    docExpansion: 'list',
    defaultModelsExpandDepth: 0,
    validatorUrl: null,
  });
}

const now = await session();
if (now.authentication && !now.authenticated) askToLogIn();
else show(now);
