import { createHash, randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

import pg from 'pg'

import { createOAuth2App, createOAuth2AppSecret } from '@slipway/contract'
import { type Bench, type Figure, median, owner, run, type Subject, scratch } from './harness.ts'
import { load } from './load.ts'
import { databaseUrl } from './seed.ts'

const BARE = fileURLToPath(new URL('./bare-tokens.ts', import.meta.url))
const SERVER = fileURLToPath(new URL('../packages/server/bin/slipway-built.js', import.meta.url))
const CONNECTIONS = 64
/** Of each kind and server; the first only compiles. */
const ROUNDS = 4
/** Grants that are exchanged in a round. */
const GRANTS = 8_000
/** Who they are of: as many accounts as a deployment has that needs such a rate. */
const USERS = 2_000
const INTROSPECTION = { connections: 32, seconds: 4 }
const INTROSPECTED = 5_000
const SETTLE_MS = 500

const KINDS = ['code', 'refresh'] as const
type Kind = (typeof KINDS)[number]

/**
 * Codes exchanged and tokens refreshed, each once, by a confidential client, against a bare Fastify route that sends the
 * same statements; and tokens introspected.
 */
export const oauth2Tokens: Bench = async () => {
  await using place = await scratch()
  await using server = await run([SERVER], {
    CODER_CONFIG_DIR: place.folder,
    CODER_HTTP_ADDRESS: '127.0.0.1:0',
    CODER_DANGEROUS_DISABLE_RATE_LIMITS: 'true',
  })
  const client = await owner(server.url)
  const { id } = await client.call(createOAuth2App, {
    body: { name: 'bench', callback_url: 'https://bench.example/cb' },
  })
  const { client_secret_full: secret } = await client.call(createOAuth2AppSecret, {
    params: { app: id },
    body: {},
  })
  const url = await databaseUrl(place.folder)
  await using seeds = await Seeds.open(url, { id, secret })
  await using bare = await run([BARE], { DATABASE: url })
  const subjects = {
    bare: { process: bare, url: `${bare.url}/` },
    ours: { process: server, url: `${server.url}/oauth2/tokens` },
  }
  const rounds = new Map<string, Round[]>()
  for (let round = 0; round < ROUNDS; round += 1)
    for (const kind of KINDS)
      for (const [name, subject] of Object.entries(subjects)) {
        const forms = path.join(place.folder, 'forms')
        await writeFile(forms, (await seeds.forms(kind, GRANTS)).join('\n'))
        const measured = await measure(subject, forms)
        if (round > 0) rounds.set(`${name} ${kind}`, [...(rounds.get(`${name} ${kind}`) ?? []), measured])
      }
  const of = (name: string): Round => middle(rounds.get(name) ?? [])
  const figures = KINDS.map((kind) => compared(kind, of(`ours ${kind}`), of(`bare ${kind}`)))
  const both = 2 / (1 / of('ours code').rate + 1 / of('ours refresh').rate)
  const forms = path.join(place.folder, 'introspections')
  await writeFile(forms, (await seeds.introspections(INTROSPECTED)).join('\n'))
  await seeds.settle()
  const introspection = { ...INTROSPECTION, url: `${server.url}/oauth2/introspect`, headers: {}, forms }
  await load(introspection)
  const again = await load({ ...introspection, repeat: 8 })
  return [
    ...figures,
    {
      what: 'codes exchanged and tokens refreshed, half of each',
      measured: `${both.toFixed(0)} a second`,
      baseline: 'none',
      result: both.toFixed(0),
      wanted: 'at least 2,000 on two cores with PostgreSQL',
    },
    {
      what: `introspection of ${INTROSPECTED} tokens in rotation`,
      measured: `${again.rate.toFixed(0)} a second`,
      baseline: 'none',
      result: again.rate.toFixed(0),
      wanted: 'at least 10,000',
    },
  ]
}

interface Round {
  readonly rate: number
  /** Processor time of the server for each request, in microseconds. */
  readonly cost: number
}

async function measure(
  { process, url }: { readonly process: Subject; readonly url: string },
  forms: string,
): Promise<Round> {
  const before = await process.processorTime()
  const { rate } = await load({
    url,
    headers: {},
    connections: CONNECTIONS,
    seconds: 0,
    forms,
    sleeps: true,
  })
  return { rate, cost: ((await process.processorTime()) - before) / GRANTS }
}

function middle(rounds: readonly Round[]): Round {
  return { rate: median(rounds.map(({ rate }) => rate)), cost: median(rounds.map(({ cost }) => cost)) }
}

function compared(kind: Kind, ours: Round, bare: Round): Figure {
  const told = ({ rate, cost }: Round) =>
    `${rate.toFixed(0)} requests/s, ${cost.toFixed(0)} µs of processor time each`
  return {
    what: kind === 'code' ? 'exchange of a code' : 'refresh',
    measured: told(ours),
    baseline: `${told(bare)} (bare Fastify route with the same statements)`,
    result: (ours.rate / bare.rate).toFixed(2),
    wanted: 'at least 0.50',
  }
}

/** Grants in the database, made as the server would. */
class Seeds implements AsyncDisposable {
  readonly #client: pg.Client
  readonly #app: { readonly id: string; readonly secret: string }
  readonly #users: readonly string[]

  private constructor(
    client: pg.Client,
    app: { readonly id: string; readonly secret: string },
    users: string[],
  ) {
    this.#client = client
    this.#app = app
    this.#users = users
  }

  static async open(url: string, app: { readonly id: string; readonly secret: string }): Promise<Seeds> {
    const client = new pg.Client({ connectionString: url })
    await client.connect()
    const { rows } = await client.query<{ id: string }>(
      `insert into users (username, email, status, login_type, hashed_password)
       select 'bench' || n, 'bench' || n || '@example.com', 'active', 'password', '' from generate_series(1, $1) n
       returning id`,
      [USERS],
    )
    return new Seeds(
      client,
      app,
      rows.map(({ id }) => id),
    )
  }

  /** Forms that each exchange another grant. */
  async forms(kind: Kind, count: number): Promise<string[]> {
    const credentials = { client_id: this.#app.id, client_secret: this.#app.secret }
    const made = kind === 'code' ? await this.#codes(count) : await this.#tokens(count)
    return made.map((parameters) => new URLSearchParams({ ...credentials, ...parameters }).toString())
  }

  /** Waits for what each exchange leaves to be done later, which takes a core: its link in the chain of audit entries. */
  async settle(): Promise<void> {
    while ((await this.#client.query('select from audit_unchained limit 1')).rowCount !== 0)
      await setTimeout(SETTLE_MS)
    await this.#client.query('vacuum analyze')
  }

  /** Forms that each ask about another token. */
  async introspections(count: number): Promise<string[]> {
    const tokens = await this.#tokens(count)
    return tokens.map(({ access_token }) =>
      new URLSearchParams({
        client_id: this.#app.id,
        client_secret: this.#app.secret,
        token: access_token,
      }).toString(),
    )
  }

  async #codes(count: number): Promise<Record<string, string>[]> {
    const codes = Array.from({ length: count }, () => ({ ...newSecret(), verifier: newVerifier() }))
    await this.#client.query(
      `insert into oauth2_provider_app_codes (app_id, user_id, expires_at, secret_prefix, hashed_secret, code_challenge,
                                              code_challenge_method, scopes)
       select $1, ($2::uuid[])[1 + made.n % cardinality($2::uuid[])], now() + interval '1 hour', prefix, hash, challenge,
              'S256', '{coder:all}'
         from unnest($3::text[], $4::bytea[], $5::text[]) with ordinality as made(prefix, hash, challenge, n)`,
      [
        this.#app.id,
        this.#users,
        codes.map(({ prefix }) => prefix),
        codes.map(({ hash }) => hash),
        codes.map(({ verifier }) => createHash('sha256').update(verifier).digest('base64url')),
      ],
    )
    await this.#client.query('analyze oauth2_provider_app_codes')
    return codes.map(({ text, verifier }) => ({
      grant_type: 'authorization_code',
      code: text,
      code_verifier: verifier,
    }))
  }

  async #tokens(
    count: number,
  ): Promise<{ access_token: string; grant_type: string; refresh_token: string }[]> {
    const pairs = Array.from({ length: count }, () => {
      const secret = randomBytes(11).toString('hex')
      return { ...newSecret(), keyId: randomBytes(5).toString('hex'), secret, keyHash: sha256(secret) }
    })
    await this.#client.query(
      `with made as (
         select ($2::uuid[])[1 + n % cardinality($2::uuid[])] as user_id, gen_random_uuid() as grant_id, *
           from unnest($3::text[], $4::bytea[], $5::text[], $6::bytea[]) with ordinality
                  as made(prefix, hash, key_id, key_hash, n)
       ), grants as (
         insert into oauth2_provider_grants (id, app_id, user_id, scopes)
         select grant_id, $1, user_id, '{coder:all}' from made
       ), keys as (
         insert into api_keys (id, hashed_secret, user_id, last_used, expires_at, login_type, lifetime_seconds, scopes,
                               allow_list)
         select key_id, key_hash, user_id, now(), now() + interval '1 day', 'oauth2_provider_app', 86400, '{coder:all}',
                '{*:*}' from made
       )
       insert into oauth2_provider_app_tokens (app_id, user_id, api_key_id, grant_id, expires_at, hash_prefix,
                                               refresh_hash, scopes)
       select $1, user_id, key_id, grant_id, now() + interval '30 days', prefix, hash, '{coder:all}' from made`,
      [
        this.#app.id,
        this.#users,
        pairs.map(({ prefix }) => prefix),
        pairs.map(({ hash }) => hash),
        pairs.map(({ keyId }) => keyId),
        pairs.map(({ keyHash }) => keyHash),
      ],
    )
    await this.#client.query('analyze oauth2_provider_app_tokens, oauth2_provider_grants, api_keys')
    return pairs.map(({ text, keyId, secret }) => ({
      grant_type: 'refresh_token',
      refresh_token: text,
      access_token: `${keyId}-${secret}`,
    }))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client.end()
  }
}

function newSecret(): { readonly text: string; readonly prefix: string; readonly hash: Buffer } {
  const prefix = randomBytes(5).toString('hex')
  const secret = randomBytes(20).toString('hex')
  return { text: `coder_${prefix}_${secret}`, prefix, hash: sha256(secret) }
}

function newVerifier(): string {
  return randomBytes(32).toString('base64url')
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
