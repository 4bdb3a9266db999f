import { AwsV4Signer } from 'aws4fetch'

import type { Unsigned } from '../keys/credentials.ts'

/** Keys to sign requests with. */
export interface AwsKeys {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  /** Empty for keys that last. */
  readonly sessionToken: string
  /** When they end; undefined for keys that last. */
  readonly expiresAt: Date | undefined
}

/**
 * Keys out of what a service of AWS says of them; undefined where it has none.
 *
 * @param member gives what it says by name, and an empty text for what it does not say.
 * @param token name of the session's token, which services call differently.
 */
export function keysFrom(
  member: (name: string) => string,
  token: 'SessionToken' | 'Token',
): AwsKeys | undefined {
  const accessKeyId = member('AccessKeyId')
  const secretAccessKey = member('SecretAccessKey')
  if (accessKeyId === '' || secretAccessKey === '') return undefined
  const expiration = Date.parse(member('Expiration'))
  return {
    accessKeyId,
    secretAccessKey,
    sessionToken: member(token),
    expiresAt: Number.isNaN(expiration) ? undefined : new Date(expiration),
  }
}

/** The headers of a request with the signature that a service of AWS asks for (Signature Version 4). */
export async function signedHeaders(
  { method, url, headers, body }: Unsigned,
  keys: AwsKeys,
  scope: { readonly service: string; readonly region: string },
): Promise<Record<string, string>> {
  const signer = new AwsV4Signer({
    method,
    url: url.href,
    headers,
    body: body === undefined ? null : Buffer.from(body),
    accessKeyId: keys.accessKeyId,
    secretAccessKey: keys.secretAccessKey,
    ...(keys.sessionToken === '' ? {} : { sessionToken: keys.sessionToken }),
    ...scope,
  })
  const signed = await signer.sign()
  return Object.fromEntries([...signed.headers].filter(([name]) => name !== 'host'))
}
