/** Why a connection ended, with the code that sockets of Node give. */
export class ConnectionError extends Error {
  readonly code: 'ECONNREFUSED' | 'ECONNRESET' | 'ETIMEDOUT' | 'ECONNABORTED' | 'EHOSTUNREACH' | 'EMFILE'

  constructor(code: ConnectionError['code'], message: string) {
    super(message)
    this.name = 'ConnectionError'
    this.code = code
  }
}
