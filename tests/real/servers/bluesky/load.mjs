// The packages lie in a cache outside the repository, where a plain import does not look.
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

const require = createRequire(join(process.env.GP_MODULES, 'here.cjs'))

export async function load(name) {
  const found = await import(pathToFileURL(require.resolve(name)).href)
  return found.default && !found.PDS ? { ...found.default, ...found } : found
}
