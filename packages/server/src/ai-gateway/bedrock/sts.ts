import { awsCall } from './aws-call.ts'
import { type AwsKeys, keysFrom, signedHeaders } from './aws-keys.ts'

/** Under this name AWS records what is done with a role (AG-49). */
const SESSION_NAME = 'coder-aigateway'
const VERSION = '2011-06-15'
const DURATION_S = 3_600
const FORM = { 'content-type': 'application/x-www-form-urlencoded' }

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
  const headers = await signedHeaders({ method: 'POST', url, headers: FORM, body: Buffer.from(body) }, keys, {
    service: 'sts',
    region,
  })
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
  return keysOf((await awsCall({ method: 'POST', url, headers: FORM, body, signal, proxied: true })).body)
}

function endpointOf(region: string, { AWS_ENDPOINT_URL_STS: given = '' }: Environment): URL {
  const domain = region.startsWith('cn-') ? 'amazonaws.com.cn' : 'amazonaws.com'
  return new URL(given === '' ? `https://sts.${region}.${domain}/` : given)
}

/** The service answers with XML. */
function keysOf(xml: string): AwsKeys {
  const member = (name: string): string => new RegExp(`<${name}>([^<]+)</${name}>`).exec(xml)?.[1] ?? ''
  const keys = keysFrom(member, 'SessionToken')
  if (keys === undefined) throw new Error('STS answers without keys')
  return keys
}
