// The servers ask for a port only, which would open it to the whole network: bind it to loopback.
import { Server } from 'node:net'

const listen = Server.prototype.listen
Server.prototype.listen = function (first, ...rest) {
  const where = typeof first === 'object' ? first : { port: first }
  return listen.call(this, { ...where, host: '127.0.0.1' }, ...rest)
}
