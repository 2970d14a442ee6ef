// The servers that the cases need, each on a free port of the loopback
// interface.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import readline from 'node:readline';

const START_TIMEOUT_MS = 60_000;

// Runs trustd on a fresh folder below `scratch`. Returns the URL of its files,
// the path of its first root, and how to stop it.
export async function startTrustd(program, scratch) {
  const config = path.join(scratch, 'trustd.yaml');
  const data = path.join(scratch, 'data');
  fs.writeFileSync(
    config,
    `data_dir: ${data}\nmode: MODE_ONLINE\n` +
      'listen_address: 127.0.0.1:0\nhttp_listen_address: 127.0.0.1:0\n',
  );
  const child = spawn(program, ['--config', config], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  process.on('exit', () => child.kill());
  const timer = setTimeout(() => child.kill(), START_TIMEOUT_MS);
  let url;
  const log = [];
  const lines = readline.createInterface({ input: child.stderr });
  for await (const line of lines) {
    log.push(line);
    url = /the same files are on (http:\/\/\S+\/tuf)\/$/.exec(line)?.[1];
    if (url) break;
  }
  clearTimeout(timer);
  if (!url) throw new Error(`trustd does not serve: ${log.join('\n')}`);
  return {
    url,
    root: path.join(data, '1.root.json'),
    stop: async () => {
      child.kill('SIGTERM');
      if (child.exitCode === null) await once(child, 'exit');
    },
  };
}

// Serves what `answer(path)` returns, {status, body}, after `change` has had a
// look at it; counts what that changed.
export async function startServer(answer, change = (_path, body) => body) {
  const state = { changed: 0 };
  const server = http.createServer(async (request, response) => {
    try {
      const { status, body } = await answer(request.url);
      const bytes = Buffer.from(body);
      const sent = status === 200 ? change(request.url, bytes) : bytes;
      if (!sent.equals(bytes)) state.changed += 1;
      response.writeHead(status, { 'Content-Length': sent.length });
      response.end(sent);
    } catch (error) {
      response.writeHead(502);
      response.end(String(error));
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    state,
    stop: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

// Answers as the server at `origin` does.
export function forwardTo(origin) {
  return async (requestPath) => {
    const response = await fetch(origin + requestPath);
    return {
      status: response.status,
      body: Buffer.from(await response.arrayBuffer()),
    };
  };
}

// Returns `bytes` with one bit of the byte at `at` turned over.
function flip(bytes, at) {
  const changed = Buffer.from(bytes);
  changed[at] ^= 1;
  return changed;
}

// Changes that the cases make: one byte of one file.
export const changes = {
  target: (requestPath, bytes) =>
    requestPath.includes('/targets/') ? flip(bytes, bytes.length >> 1) : bytes,
  snapshot: (requestPath, bytes) =>
    requestPath.endsWith('snapshot.json')
      ? flip(bytes, bytes.length >> 1)
      : bytes,
  // A digit of the signature: the file stays good JSON.
  timestampSignature: (requestPath, bytes) => {
    if (!requestPath.endsWith('/timestamp.json')) return bytes;
    const sig = /"sig"\s*:\s*"/.exec(bytes.toString('latin1'));
    return flip(bytes, sig.index + sig[0].length + 20);
  },
};
