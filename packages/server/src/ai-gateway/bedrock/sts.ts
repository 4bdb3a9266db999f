import { AwsV4Signer } from 'aws4fetch'

import { awsCall } from './aws-call.ts'

/** Keys to sign requests with. */
export interface AwsKeys {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  /** Empty for keys that last. */
  readonly sessionToken: string
  /** When they end; undefined for keys that last. */
  readonly expiresAt: Date | undefined
}

/** Under this name AWS records what is done with a role (AG-49). */
const SESSION_NAME = 'coder-aigateway'
const VERSION = '2011-06-15'
const DURATION_S = 3_600

type Environment = Readonly<Record<string, string | undefined>>

/**
 * Keys of a role, for whoever has these keys
 * (https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html).
 *
 * @throws Error saying what the service said.
 */
export async function assumeRole(
  role: {
    readonly roleArn: string
    readonly externalId: string
    readonly region: string
    readonly keys: AwsKeys
  },
  environment: Environment,
  signal: AbortSignal,
): Promise<AwsKeys> {
  const { keys, region } = role
  const url = endpointOf(region, environment)
  const body = new URLSearchParams({
    Action: 'AssumeRole',
    Version: VERSION,
    RoleArn: role.roleArn,
    RoleSessionName: SESSION_NAME,
    DurationSeconds: String(DURATION_S),
    ...(role.externalId === '' ? {} : { ExternalId: role.externalId }),
  }).toString()
  const signed = await new AwsV4Signer({
    method: 'POST',
    url: url.href,
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body,
    accessKeyId: keys.accessKeyId,
    secretAccessKey: keys.secretAccessKey,
    ...(keys.sessionToken === '' ? {} : { sessionToken: keys.sessionToken }),
    service: 'sts',
    region,
  }).sign()
  const headers = Object.fromEntries([...signed.headers].filter(([name]) => name !== 'host'))
  return keysOf((await awsCall({ method: 'POST', url, headers, body, signal, proxied: true })).body)
}

/**
 * Keys of a role, for whoever has a token of an identity provider that the role trusts, as pods of Kubernetes have.
 *
 * @throws Error saying what the service said.
 */
export async function assumeRoleWithToken(
  role: { readonly roleArn: string; readonly token: string; readonly region: string },
  environment: Environment,
  signal: AbortSignal,
): Promise<AwsKeys> {
  const body = new URLSearchParams({
    Action: 'AssumeRoleWithWebIdentity',
    Version: VERSION,
    RoleArn: role.roleArn,
    RoleSessionName: environment.AWS_ROLE_SESSION_NAME ?? SESSION_NAME,
    WebIdentityToken: role.token,
  }).toString()
  const url = endpointOf(role.region, environment)
  const headers = { 'content-type': 'application/x-www-form-urlencoded' }
  return keysOf((await awsCall({ method: 'POST', url, headers, body, signal, proxied: true })).body)
}

function endpointOf(region: string, { AWS_ENDPOINT_URL_STS: given = '' }: Environment): URL {
  const domain = region.startsWith('cn-') ? 'amazonaws.com.cn' : 'amazonaws.com'
  return new URL(given === '' ? `https://sts.${region}.${domain}/` : given)
}

/** The service answers with XML. */
function keysOf(xml: string): AwsKeys {
  const member = (name: string): string => new RegExp(`<${name}>([^<]+)</${name}>`).exec(xml)?.[1] ?? ''
  const accessKeyId = member('AccessKeyId')
  const secretAccessKey = member('SecretAccessKey')
  if (accessKeyId === '' || secretAccessKey === '') throw new Error('STS answers without keys')
  const expiration = Date.parse(member('Expiration'))
  return {
    accessKeyId,
    secretAccessKey,
    sessionToken: member('SessionToken'),
    expiresAt: Number.isNaN(expiration) ? undefined : new Date(expiration),
  }
}
