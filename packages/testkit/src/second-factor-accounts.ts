import { ApiFailure, Client } from '@slipway/client'
import {
  beginPasskey,
  beginTotp,
  confirmTotp,
  createPasskey,
  login,
  type SecondFactorEnrolmentRequired,
  type SecondFactorRequired,
} from '@slipway/contract'
import type { Database } from '@slipway/server/database/index.ts'
import { openDatabase } from './postgres.ts'
import { PASSWORD, startTestServer, type TestServer } from './server.ts'
import { SoftwareAuthenticator } from './software-authenticator.ts'
import { totpCode } from './totp-code.ts'

const MINUTE = 60_000
const me = { params: { user: 'me' } }

/** What a refused request may be told to do first. */
interface Demands {
  readonly second_factor_required?: SecondFactorRequired
  readonly second_factor_enrolment_required?: SecondFactorEnrolmentRequired
  readonly step_up_required?: { readonly methods: string[] }
}

/** The demand of an answer that refuses to go on without more. */
export async function refusal(call: Promise<unknown>): Promise<Demands> {
  const failure = await call.then(
    () => undefined,
    (error: unknown) => error,
  )
  if (!(failure instanceof ApiFailure) || failure.status !== 403)
    throw new Error(`was not refused with 403: ${String(failure)}`)
  return Object(failure.body)
}

/** A server whose time the test moves, with accounts that have second factors. */
export class SecondFactorAccounts implements AsyncDisposable {
  readonly server: TestServer
  readonly database: Database
  #now: { ms: number }

  private constructor(server: TestServer, database: Database, now: { ms: number }) {
    this.server = server
    this.database = database
    this.#now = now
  }

  /** Where the server believes to be. */
  static readonly origin = 'https://slipway.example.com'

  /** Starts the server, with further settings. */
  static async start(env: Readonly<Record<string, string>> = {}): Promise<SecondFactorAccounts> {
    const now = { ms: Date.now() }
    const server = await startTestServer({
      env: {
        CODER_DANGEROUS_DISABLE_RATE_LIMITS: 'true',
        CODER_ACCESS_URL: SecondFactorAccounts.origin,
        ...env,
      },
      clock: { now: () => new Date(now.ms) },
    })
    return new SecondFactorAccounts(server, await openDatabase(server.databaseUrl), now)
  }

  /** What the server takes for the time, in milliseconds since the epoch. */
  get now(): number {
    return this.#now.ms
  }

  /** Moves the time of the server. */
  later(ms: number): void {
    this.#now.ms += ms
  }

  /** Signs in with a password. */
  signIn(name: string, password = PASSWORD, at = this.server) {
    return at.anonymous.call(login, { body: { email: `${name}@example.com`, password } })
  }

  /** The code that an authenticator app shows now, or that many milliseconds from now. */
  codeOf(secret: string, offset = 0): string {
    return totpCode(secret, this.now + offset)
  }

  /** A client with this session. */
  clientOf(token: string): Client {
    return new Client({ url: this.server.url, token })
  }

  /** Signs in with the password as far as that goes. */
  async challenge(name: string, at = this.server): Promise<SecondFactorRequired> {
    const { second_factor_required: required } = await refusal(this.signIn(name, PASSWORD, at))
    if (required === undefined) throw new Error('no second factor was asked for')
    return required
  }

  /** An account with an authenticator app, its session, secret and recovery codes. */
  async withTotp(name: string) {
    const client = await this.server.user(name)
    const { challenge_id, secret } = await client.call(beginTotp, me)
    const { recovery_codes } = await client.call(confirmTotp, {
      ...me,
      body: { challenge_id, totp_code: this.codeOf(secret) },
    })
    // Each code is good once, so the next one has to come.
    this.later(MINUTE)
    return { client, secret, recovery_codes }
  }

  /** An account with a passkey. */
  async withPasskey(name: string) {
    const client = await this.server.user(name)
    const authenticator = new SoftwareAuthenticator(SecondFactorAccounts.origin)
    const { challenge_id, options } = await client.call(beginPasskey, me)
    const { passkey, recovery_codes } = await client.call(createPasskey, {
      ...me,
      body: { challenge_id, name: 'laptop', passkey: authenticator.create(options) },
    })
    return { client, authenticator, passkey, recovery_codes }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.database[Symbol.asyncDispose]()
    await this.server[Symbol.asyncDispose]()
  }
}
