// A request as a command line. Pure.

function quoted(text) {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

export function curl({ method, path, body }, origin, isAuthenticated) {
  const words = ['curl'];
  if (method !== 'GET') words.push('-X', method);
  words.push(quoted(origin + path));
  if (isAuthenticated) words.push('-H', '"Authorization: Bearer $KLOIGOS_TOKEN"');
  if (body !== undefined) words.push('-H', quoted('Content-Type: application/json'), '-d', quoted(JSON.stringify(body, null, 1)));
  return words.join(' ');
}
