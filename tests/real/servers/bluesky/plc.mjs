// A did:plc directory (@did-plc/server) on loopback that keeps its operations in memory.
import './loopback.mjs'
import { load } from './load.mjs'

const { PlcServer, Database } = await load('@did-plc/server')
await PlcServer.create({ db: Database.mock(), port: Number(process.env.GP_PORT) }).start()
