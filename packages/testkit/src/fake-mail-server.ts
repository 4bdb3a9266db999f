import { createServer, type Server, type Socket } from 'node:net'
import { createSecureContext, TLSSocket } from 'node:tls'

/** A message as the server took it. */
export interface ReceivedMail {
  readonly from: string
  readonly to: readonly string[]
  /** Headers and body as they came. */
  readonly raw: string
  /** Whether the connection was encrypted. */
  readonly encrypted: boolean
  /** Who sent it, where the server asks. */
  readonly user: string | undefined
}

/** What a fake mail server is like. */
export interface FakeMailServerOptions {
  /** Credentials that it asks for; anybody may send without. */
  readonly credentials?: { readonly user: string; readonly password: string }
  /** Certificate for STARTTLS, which it offers with one. */
  readonly tls?: { readonly key: string; readonly cert: string }
  /** How many messages it refuses for the moment before it takes one. */
  readonly busy?: number
}

/** A mail server that speaks SMTP (RFC 5321) and keeps what it is given. */
export class FakeMailServer implements AsyncDisposable {
  readonly received: ReceivedMail[] = []
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  readonly #options: FakeMailServerOptions
  #busy: number

  private constructor(options: FakeMailServerOptions) {
    this.#options = options
    this.#busy = options.busy ?? 0
    this.#server = createServer((socket) => this.#serve(socket))
  }

  /** Starts one on a free port. */
  static async start(options: FakeMailServerOptions = {}): Promise<FakeMailServer> {
    const fake = new FakeMailServer(options)
    await new Promise<void>((resolve) => {
      fake.#server.listen(0, '127.0.0.1', resolve)
    })
    return fake
  }

  /** `host:port`, as CODER_EMAIL_SMARTHOST takes it. */
  get smarthost(): string {
    const address = this.#server.address()
    if (address === null || typeof address === 'string') throw new Error('the mail server is not listening')
    return `localhost:${address.port}`
  }

  #serve(plain: Socket): void {
    this.#sockets.add(plain)
    plain.on('close', () => this.#sockets.delete(plain))
    plain.on('error', () => plain.destroy())
    this.#talk(plain, false)
    plain.write('220 fake.example.com ESMTP\r\n')
  }

  #talk(socket: Socket, encrypted: boolean): void {
    let rest = ''
    const dialogue = new Dialogue(this.#options, encrypted, {
      say: (line) => void socket.write(`${line}\r\n`),
      end: () => void socket.end(),
      keep: (mail) => this.#keep(mail),
      encrypt: (tls) => {
        socket.removeListener('data', onData)
        const secure = new TLSSocket(socket, { isServer: true, secureContext: createSecureContext(tls) })
        secure.on('error', () => socket.destroy())
        this.#talk(secure, true)
      },
    })
    const onData = (chunk: Buffer): void => {
      const lines = (rest + chunk.toString('latin1')).split('\r\n')
      rest = lines.pop() ?? ''
      for (const line of lines) dialogue.hear(line)
    }
    socket.on('data', onData)
  }

  /** Whether it was taken. */
  #keep(mail: ReceivedMail): boolean {
    if (this.#busy > 0) {
      this.#busy -= 1
      return false
    }
    this.received.push(mail)
    return true
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve())
    })
  }
}

/** What a dialogue does to its connection. */
interface Connection {
  say(line: string): void
  end(): void
  keep(mail: ReceivedMail): boolean
  encrypt(tls: { readonly key: string; readonly cert: string }): void
}

/** One side of an SMTP dialogue. */
class Dialogue {
  readonly #options: FakeMailServerOptions
  readonly #encrypted: boolean
  readonly #connection: Connection
  #data: string[] | undefined
  #user: string | undefined
  #from = ''
  #to: string[] = []

  constructor(options: FakeMailServerOptions, encrypted: boolean, connection: Connection) {
    this.#options = options
    this.#encrypted = encrypted
    this.#connection = connection
  }

  hear(line: string): void {
    if (this.#data === undefined) this.#command(line)
    else if (line === '.') this.#end(this.#data)
    else this.#data.push(line.startsWith('.') ? line.slice(1) : line)
  }

  #end(lines: readonly string[]): void {
    this.#data = undefined
    const mail = {
      from: this.#from,
      to: this.#to,
      raw: lines.join('\r\n'),
      encrypted: this.#encrypted,
      user: this.#user,
    }
    this.#connection.say(this.#connection.keep(mail) ? '250 2.0.0 queued' : '451 4.3.0 try again later')
  }

  #command(line: string): void {
    const { say } = this.#connection
    const { credentials, tls } = this.#options
    const [verb = ''] = line.toUpperCase().split(/[ :]/)
    switch (verb) {
      case 'EHLO':
        say('250-fake.example.com')
        if (tls !== undefined && !this.#encrypted) say('250-STARTTLS')
        if (credentials !== undefined) say('250-AUTH LOGIN PLAIN')
        say('250 8BITMIME')
        break
      case 'STARTTLS':
        if (tls === undefined) say('502 5.5.1 not here')
        else {
          say('220 2.0.0 go ahead')
          this.#connection.encrypt(tls)
        }
        break
      case 'AUTH':
        this.#signIn(line.split(' ')[2] ?? '')
        break
      case 'MAIL':
        this.#from = /<(.*?)>/.exec(line)?.[1] ?? ''
        this.#to = []
        say(credentials !== undefined && this.#user === undefined ? '530 5.7.0 sign in' : '250 2.1.0 fine')
        break
      case 'RCPT':
        this.#to.push(/<(.*?)>/.exec(line)?.[1] ?? '')
        say('250 2.1.5 fine')
        break
      case 'DATA':
        this.#data = []
        say('354 go on')
        break
      case 'QUIT':
        say('221 2.0.0 bye')
        this.#connection.end()
        break
      default:
        say('502 5.5.1 not here')
    }
  }

  #signIn(answer: string): void {
    const { credentials } = this.#options
    const [, user, password] = Buffer.from(answer, 'base64').toString().split('\0')
    const right = credentials !== undefined && user === credentials.user && password === credentials.password
    if (right) this.#user = user
    this.#connection.say(right ? '235 2.7.0 welcome' : '535 5.7.8 wrong credentials')
  }
}
