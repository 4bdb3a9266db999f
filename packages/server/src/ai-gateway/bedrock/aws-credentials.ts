import { readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import path from 'node:path'

import { LRUCache } from 'lru-cache'

import type { ModelProvider } from '../../ai-providers/index.ts'
import { at, text } from '../wires/json.ts'
import { awsCall } from './aws-call.ts'
import { type AwsKeys, keysFrom } from './aws-keys.ts'
import { assumeRole, assumeRoleWithToken } from './sts.ts'

type BedrockSettings = NonNullable<ModelProvider['bedrock']>

/** What requests are signed for. */
type Signed = Pick<ModelProvider, 'id' | 'baseUrl' | 'bedrock'>

/** Keys cannot be had; the message says why and holds none. */
export class AwsCredentialsError extends Error {
  override readonly name = 'AwsCredentialsError'
}

/** All attempts together (AG-49), in milliseconds. */
const RESOLVE_MS = 30_000
/** Keys are replaced this long before they end. */
const EARLY_MS = 5 * 60_000
/** A machine that is none of AWS does not answer at the address of its metadata. */
const METADATA_MS = 1_000
const MAX_PROVIDERS = 1_000
/** Where AWS has agents on a machine of its containers; others get no credentials out of us. */
const CONTAINER_HOSTS: ReadonlySet<string> = new Set([
  '169.254.170.2',
  '169.254.170.23',
  '[fd00:ec2::23]',
  'localhost',
  '127.0.0.1',
  '[::1]',
])

interface Known {
  readonly of: string
  keys: AwsKeys | undefined
  resolving: Promise<AwsKeys> | undefined
}

/**
 * Finds keys of AWS for providers: their own static pair, else what the environment of this process has, and on top of
 * either the role that they name (AG-49). What is found is kept until shortly before it ends.
 */
export class AwsCredentials {
  readonly #now: () => Date
  readonly #environment: Readonly<Record<string, string | undefined>>
  readonly #known = new LRUCache<string, Known>({ max: MAX_PROVIDERS })

  /** @param environment of the process, as the tools of AWS read it. */
  constructor(now: () => Date, environment: Readonly<Record<string, string | undefined>> = process.env) {
    this.#now = now
    this.#environment = environment
  }

  /** The region that requests of a provider are signed for. */
  regionOf({ baseUrl, bedrock }: Signed): string {
    const { AWS_REGION = '', AWS_DEFAULT_REGION = '' } = this.#environment
    const host = URL.canParse(baseUrl) ? new URL(baseUrl).hostname : ''
    const ofHost = /^bedrock[\w-]*\.([a-z0-9-]+)\./.exec(host)?.[1] ?? ''
    return (bedrock?.region ?? '') || ofHost || AWS_REGION || AWS_DEFAULT_REGION || 'us-east-1'
  }

  /**
   * Keys for a provider. Where there are none yet, requests wait for the same answer; keys that are to be replaced, or
   * cannot be, are used for as long as they last.
   *
   * @throws AwsCredentialsError when there are none.
   */
  async keysFor(provider: Signed): Promise<AwsKeys> {
    const { bedrock: settings } = provider
    if (settings === undefined) throw new Error('a provider without settings of Bedrock is to be signed')
    if (settings.roleArn === '' && settings.accessKey !== '') return staticKeys(settings)
    const of = JSON.stringify([settings, this.regionOf(provider)])
    let known = this.#known.get(provider.id)
    if (known === undefined || known.of !== of) {
      known = { of, keys: undefined, resolving: undefined }
      this.#known.set(provider.id, known)
    }
    const left = this.#left(known.keys)
    if (known.keys !== undefined && left > EARLY_MS) return known.keys
    const resolving = this.#resolve(known, settings, this.regionOf(provider))
    if (known.keys === undefined || left <= 0) return resolving
    // Nobody waits while there are some; what failed is tried again with the next request.
    resolving.catch(() => undefined)
    return known.keys
  }

  #left(keys: AwsKeys | undefined): number {
    if (keys === undefined) return 0
    return keys.expiresAt === undefined
      ? Number.POSITIVE_INFINITY
      : keys.expiresAt.getTime() - this.#now().getTime()
  }

  #resolve(known: Known, settings: BedrockSettings, region: string): Promise<AwsKeys> {
    known.resolving ??= this.#find(settings, region)
      .then((keys) => {
        known.keys = keys
        return keys
      })
      .finally(() => {
        known.resolving = undefined
      })
    return known.resolving
  }

  async #find(settings: BedrockSettings, region: string): Promise<AwsKeys> {
    const signal = AbortSignal.timeout(RESOLVE_MS)
    try {
      const own = settings.accessKey === '' ? await this.#chain(region, signal) : staticKeys(settings)
      if (settings.roleArn === '') return own
      const { roleArn, externalId } = settings
      return await assumeRole({ roleArn, externalId, region, keys: own }, this.#environment, signal)
    } catch (error) {
      if (error instanceof AwsCredentialsError) throw error
      const why = signal.aborted
        ? `not within ${RESOLVE_MS / 1_000} s`
        : error instanceof Error
          ? error.message
          : String(error)
      throw new AwsCredentialsError(`the credentials of AWS cannot be resolved: ${why}`, { cause: error })
    }
  }

  /** The first that there is, in the order of the tools of AWS. */
  async #chain(region: string, signal: AbortSignal): Promise<AwsKeys> {
    const environment = this.#environment
    const {
      AWS_ACCESS_KEY_ID: accessKeyId = '',
      AWS_SECRET_ACCESS_KEY: secretAccessKey = '',
      AWS_SESSION_TOKEN: sessionToken = '',
      AWS_WEB_IDENTITY_TOKEN_FILE: tokenFile = '',
      AWS_ROLE_ARN: roleArn = '',
    } = environment
    if (accessKeyId !== '' && secretAccessKey !== '')
      return { accessKeyId, secretAccessKey, sessionToken, expiresAt: undefined }
    if (tokenFile !== '' && roleArn !== '') {
      const token = (await readFile(tokenFile, 'utf8')).trim()
      return assumeRoleWithToken({ roleArn, token, region }, environment, signal)
    }
    return (
      (await profileKeys(environment)) ??
      (await this.#containerKeys(signal)) ??
      (await this.#instanceKeys(signal))
    )
  }

  /** Those of the task or the pod that this process runs in. */
  async #containerKeys(signal: AbortSignal): Promise<AwsKeys | undefined> {
    const {
      AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: relative = '',
      AWS_CONTAINER_CREDENTIALS_FULL_URI: full = '',
      AWS_CONTAINER_AUTHORIZATION_TOKEN: token = '',
      AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: tokenFile = '',
    } = this.#environment
    if (relative === '' && full === '') return undefined
    const url = new URL(relative === '' ? full : `http://169.254.170.2${relative}`)
    if (url.protocol !== 'https:' && !CONTAINER_HOSTS.has(url.hostname))
      throw new AwsCredentialsError(
        'AWS_CONTAINER_CREDENTIALS_FULL_URI must lead to this machine or use https',
      )
    const authorization = tokenFile === '' ? token : (await readFile(tokenFile, 'utf8')).trim()
    const { body } = await awsCall({
      url,
      headers: authorization === '' ? {} : { authorization },
      signal,
      proxied: false,
    })
    return keysOfJson(body)
  }

  /** Those of the machine, by its metadata service in the version that asks for a session first. */
  async #instanceKeys(signal: AbortSignal): Promise<AwsKeys> {
    const {
      AWS_EC2_METADATA_DISABLED: disabled = '',
      AWS_EC2_METADATA_SERVICE_ENDPOINT: endpoint = 'http://169.254.169.254',
    } = this.#environment
    const nothing = (cause?: unknown) =>
      new AwsCredentialsError(
        'there are no credentials of AWS: give the provider an access key, or this server an environment that has some',
        { cause },
      )
    if (disabled.toLowerCase() === 'true') throw nothing()
    const base = endpoint.replace(/\/+$/, '')
    const within = AbortSignal.any([signal, AbortSignal.timeout(METADATA_MS)])
    try {
      const session = await awsCall({
        method: 'PUT',
        url: new URL(`${base}/latest/api/token`),
        headers: { 'x-aws-ec2-metadata-token-ttl-seconds': '300' },
        signal: within,
        proxied: false,
      })
      const headers = { 'x-aws-ec2-metadata-token': session.body }
      const roles = `${base}/latest/meta-data/iam/security-credentials/`
      const role = await awsCall({ url: new URL(roles), headers, signal: within, proxied: false })
      const name = role.body.split('\n', 1)[0]?.trim() ?? ''
      const url = new URL(roles + encodeURIComponent(name))
      return keysOfJson((await awsCall({ url, headers, signal: within, proxied: false })).body)
    } catch (error) {
      throw error instanceof AwsCredentialsError ? error : nothing(error)
    }
  }
}

function staticKeys({ accessKey, accessKeySecret }: BedrockSettings): AwsKeys {
  return {
    accessKeyId: accessKey,
    secretAccessKey: accessKeySecret,
    sessionToken: '',
    expiresAt: undefined,
  }
}

/** What the metadata services of AWS answer. */
function keysOfJson(body: string): AwsKeys {
  const value: unknown = JSON.parse(body)
  const keys = keysFrom((name) => text(at(value, name)), 'Token')
  if (keys === undefined)
    throw new AwsCredentialsError('the metadata service of AWS has no keys for this server')
  return keys
}

/** Static keys of a profile in the file that the tools of AWS share. */
async function profileKeys(
  environment: Readonly<Record<string, string | undefined>>,
): Promise<AwsKeys | undefined> {
  const { AWS_SHARED_CREDENTIALS_FILE: named = '', AWS_PROFILE: profile = '' } = environment
  const file = named === '' ? path.join(environment.HOME ?? homedir(), '.aws', 'credentials') : named
  let content: string
  try {
    content = await readFile(file, 'utf8')
  } catch {
    return undefined
  }
  const wanted = profile === '' ? 'default' : profile
  const values = new Map<string, string>()
  let inside = false
  for (const line of content.split(/\r?\n/)) {
    const header = /^\s*\[\s*(?:profile\s+)?([^\]]+?)\s*\]/.exec(line)
    if (header !== null) inside = header[1] === wanted
    const entry = /^\s*([\w-]+)\s*=\s*(.*?)\s*$/.exec(line)
    if (inside && entry?.[1] !== undefined) values.set(entry[1].toLowerCase(), entry[2] ?? '')
  }
  const accessKeyId = values.get('aws_access_key_id') ?? ''
  const secretAccessKey = values.get('aws_secret_access_key') ?? ''
  if (accessKeyId === '' || secretAccessKey === '') return undefined
  return {
    accessKeyId,
    secretAccessKey,
    sessionToken: values.get('aws_session_token') ?? '',
    expiresAt: undefined,
  }
}
