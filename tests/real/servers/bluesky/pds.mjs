// An AT Protocol PDS (@atproto/pds) on loopback, in development mode. Node 22 or newer.
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import './loopback.mjs'
import { load } from './load.mjs'

const { PDS } = await load('@atproto/pds')
const { GP_PORT, GP_PLC_URL, GP_FOLDER, GP_ADMIN_PASSWORD, GP_ROTATION_KEY, GP_JWT_SECRET } = process.env
const blobs = join(GP_FOLDER, 'blobs')
mkdirSync(blobs, { recursive: true })

const pds = await PDS.fromEnv({
  devMode: true,
  port: Number(GP_PORT),
  hostname: 'localhost',
  dataDirectory: GP_FOLDER,
  blobstoreDiskLocation: blobs,
  didPlcUrl: GP_PLC_URL,
  serviceHandleDomains: ['.test'],
  inviteRequired: false,
  disableSsrfProtection: true,
  jwtSecret: GP_JWT_SECRET,
  adminPassword: GP_ADMIN_PASSWORD,
  plcRotationKeyK256PrivateKeyHex: GP_ROTATION_KEY,
  rateLimitsEnabled: true,
  crawlers: [],
})
await pds.start()
process.once('SIGTERM', () => pds.destroy().finally(() => process.exit(0)))
