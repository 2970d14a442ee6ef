// Serves the files of a folder on a free port of the loopback interface, and
// prints the port.
//
//   node docs.mjs FOLDER

import { createServer } from 'node:http';
import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';

const folder = process.argv[2];
const server = createServer(async (request, response) => {
  try {
    const text = await readFile(join(folder, basename(request.url)));
    response.writeHead(200, { 'Content-Type': 'text/markdown' }).end(text);
  } catch {
    response.writeHead(404).end();
  }
});
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
