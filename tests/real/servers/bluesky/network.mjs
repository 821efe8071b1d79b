// A whole small network (@atproto/dev-env) on loopback: directory, PDS, AppView and what they need. Node 22 or newer.
// GET on GP_FLUSH_PORT waits until the AppView has seen everything.
import { createServer } from 'node:http'
import './loopback.mjs'
import { load } from './load.mjs'

const { TestNetwork } = await load('@atproto/dev-env')
const port = (name) => Number(process.env[`GP_${name}_PORT`])

const network = await TestNetwork.create({
  dbPostgresSchema: 'govpost',
  plc: { port: port('PLC') },
  pds: { port: port('PDS'), hostname: 'localhost', rateLimitsEnabled: false },
  bsky: { port: port('APPVIEW') },
})
createServer(async (_, answer) => {
  await network.processAll()
  answer.end('all seen\n')
}).listen(port('FLUSH'))
process.once('SIGTERM', () => network.close().finally(() => process.exit(0)))
