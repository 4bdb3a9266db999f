import type { ClientConfig } from 'pg'

/**
 * Connection settings of a PostgreSQL URL. A password with reserved characters that was not percent-encoded
 * is repaired: the text between the first colon after the user and the last `@` is taken as it is, and a percent
 * sign that begins no code stands for itself (OP-42).
 *
 * @throws Error that does not repeat the URL, because it holds the password.
 */
export function connectionConfig(url: string): ClientConfig & { connectionString: string } {
  if (!/^postgres(ql)?:\/\//.test(url))
    throw new Error('postgres-url must look like postgres://user:password@host:5432/database')
  const encoded = url.replace(/%(?![0-9a-f]{2})/gi, '%25')
  if (URL.canParse(encoded)) return { connectionString: encoded }
  const match = /^(postgres(?:ql)?:\/\/[^:/@]+:)(.*)@([^@]*)$/s.exec(url)
  const repaired = match === null ? url : `${match[1]}${encodeURIComponent(match[2] ?? '')}@${match[3]}`
  if (!URL.canParse(repaired)) throw new Error('postgres-url cannot be parsed; percent-encode its password')
  return { connectionString: repaired }
}
