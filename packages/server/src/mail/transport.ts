import { readFile } from 'node:fs/promises'

import type { Config } from '../config/index.ts'
import type { AppContext, Passwords } from '../context.ts'
import type { Mail } from './mail.ts'

const TIMEOUT_MS = 8_000
const IMPLICIT_TLS_PORT = 465

/** What the mail server is given. */
export type Message = Omit<Mail, 'expiresAt'> & {
  /** Made anew where it is left out; with angle brackets. */
  readonly messageId?: string
}

/** A way to the mail server. */
export interface Transport {
  /** @throws Error when the server cannot be reached or refuses, and what aborts the signal before the message is on its way. */
  send(mail: Message, signal?: AbortSignal): Promise<void>
}

/** A fault of the configuration: trying again changes nothing. */
export class MailConfigurationError extends Error {
  override readonly name = 'MailConfigurationError'
}

/** Whether the same message would fail again: a fault of the configuration, or an address that the server refuses for good. */
export function isPermanent(error: unknown): boolean {
  if (error instanceof MailConfigurationError) return true
  return error instanceof Error && 'code' in error && error.code === 'EENVELOPE' && isRefusal(error)
}

/**
 * Whether only a change of the configuration or of the address helps: not what a server says of an address today
 * (OP-134).
 */
export function isUnfixable(error: unknown): boolean {
  if (error instanceof MailConfigurationError) return true
  if (!(error instanceof Error) || !('code' in error)) return false
  if (error.code === 'EENVELOPE') return !('responseCode' in error) || error.responseCode === undefined
  // Credentials for a server that takes none, so that it is not the one that they are for.
  return error.code === 'ECONFIG' || error.code === 'ENOAUTH' || isUnofferedAuth(error)
}

/** The server knows no such command, or had no method to offer: not that it refuses these credentials. */
function isUnofferedAuth(error: Error): boolean {
  if (!('code' in error) || error.code !== 'EAUTH') return false
  const status = 'responseCode' in error ? error.responseCode : undefined
  return typeof status !== 'number' || (status >= 500 && status <= 504)
}

function isRefusal(error: Error): boolean {
  return 'responseCode' in error && typeof error.responseCode === 'number' && error.responseCode >= 500
}

/** The mail server of the configuration, whose way is opened when it is needed, and anew with new passwords (OP-15). */
export function mailServer({ config, passwords }: Pick<AppContext, 'config' | 'passwords'>): Transport {
  let opened: Promise<Transport> | undefined
  let openedWith: Passwords['current'] | undefined
  return {
    async send(mail, signal) {
      try {
        if (openedWith !== passwords.current) opened = undefined
        openedWith = passwords.current
        opened ??= openTransport(config, openedWith.mail)
        const transport = await opened
        signal?.throwIfAborted()
        await transport.send(mail)
      } catch (error) {
        // Files of certificates and passwords may have been put right meanwhile.
        opened = undefined
        throw error
      }
    },
  }
}

/** A way to the mail server that can be tried. */
interface CheckableTransport extends Transport {
  /** Connects and signs in. @throws Error when that is not possible. */
  check(): Promise<void>
}

/** Connects to the mail server of the configuration and signs in (OP-B4). @throws Error saying why that is not possible. */
export async function checkMailServer(config: Config): Promise<void> {
  const transport = await openTransport(config, config.emailAuthPassword)
  await transport.check()
}

/**
 * Opens the way that the `CODER_EMAIL_*` options describe (OP-134): TLS from the start on port 465 or by force, else
 * STARTTLS where the server offers it and always where it is insisted on; PLAIN before LOGIN.
 *
 * @throws MailConfigurationError for a smarthost or a file that cannot be used.
 */
async function openTransport(config: Config, ownPassword: string): Promise<CheckableTransport> {
  const [, host = '', port = ''] = /^\[?([^\]]*)\]?:(\d+)$/.exec(config.emailSmarthost) ?? []
  if (host === '') throw new MailConfigurationError('CODER_EMAIL_SMARTHOST must be host:port')
  const password =
    config.emailAuthPasswordFile === ''
      ? ownPassword
      : (await contentOf(config.emailAuthPasswordFile)).replace(/\r?\n$/, '')
  const ca = config.emailTlsCaCertFile
  const cert = config.emailTlsCertFile
  const key = config.emailTlsCertKeyFile
  const { createTransport } = await import('nodemailer')
  const transport = createTransport({
    host,
    port: Number(port),
    name: config.emailHello,
    secure: config.emailForceTls || Number(port) === IMPLICIT_TLS_PORT,
    requireTLS: config.emailTlsStartTls,
    opportunisticTLS: !config.emailTlsStartTls,
    connectionTimeout: TIMEOUT_MS,
    greetingTimeout: TIMEOUT_MS,
    socketTimeout: TIMEOUT_MS,
    tls: {
      minVersion: 'TLSv1.2',
      servername: config.emailTlsServerName === '' ? host : config.emailTlsServerName,
      rejectUnauthorized: !config.emailTlsSkipVerify,
      ...(ca === '' ? {} : { ca: await contentOf(ca) }),
      ...(cert === '' ? {} : { cert: await contentOf(cert) }),
      ...(key === '' ? {} : { key: await contentOf(key) }),
    },
    // A server that takes no credentials is not the one that they are for.
    ...(config.emailAuthUsername === ''
      ? {}
      : { forceAuth: true, ...credentials(config.emailAuthIdentity, config.emailAuthUsername, password) }),
    disableFileAccess: true,
    disableUrlAccess: true,
  })
  return {
    check: async () => void (await transport.verify()),
    send: async (mail) => {
      await transport.sendMail({
        from: config.emailFrom,
        // As it is: read as a list, one odd address could be another one, or several.
        to: { name: '', address: mail.to },
        subject: mail.subject,
        text: mail.text,
        html: mail.html,
        ...(mail.messageId === undefined ? {} : { messageId: mail.messageId }),
        textEncoding: 'quoted-printable',
      })
    },
  }
}

function credentials(identity: string, user: string, pass: string) {
  if (identity === '') return { auth: { user, pass } }
  const answer = Buffer.from(`${identity}\0${user}\0${pass}`).toString('base64')
  return {
    auth: { type: 'custom' as const, method: 'PLAIN-FOR-IDENTITY', user, pass },
    customAuth: {
      // RFC 4616: the account that is acted for comes before the one that signs in.
      'PLAIN-FOR-IDENTITY': async (server: {
        sendCommand(command: string): Promise<{ status: number }>
        resolve(): unknown
        reject(error: Error): unknown
      }): Promise<boolean> => {
        const { status } = await server.sendCommand(`AUTH PLAIN ${answer}`)
        if (status >= 200 && status < 300) server.resolve()
        else server.reject(new Error(`the mail server refused the credentials with status ${status}`))
        return status >= 200 && status < 300
      },
    },
  }
}

async function contentOf(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (cause) {
    throw new MailConfigurationError(`${path} cannot be read`, { cause })
  }
}
