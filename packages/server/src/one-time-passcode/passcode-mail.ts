import type { AppContext } from '../context.ts'
import type { UserRow } from '../identity/index.ts'
import type { Mail } from '../mail/index.ts'

/** The message that brings a one-time passcode, with a link that fills it in. */
export function passcodeMail(
  user: Pick<UserRow, 'email' | 'name' | 'username'>,
  passcode: string,
  expiresAt: Date,
  { accessUrl, appearance }: Pick<AppContext, 'accessUrl' | 'appearance'>,
): Mail {
  const link = new URL('/reset-password/change', accessUrl())
  link.searchParams.set('otp', passcode)
  link.searchParams.set('email', user.email)
  const name = user.name === '' ? user.username : user.name
  const lines = [
    `Hi ${name},`,
    'Somebody, hopefully you, asked for a new password for your account. Choose one here within 20 minutes:',
    link.href,
    `Or enter this one-time passcode: ${passcode}`,
    'If it was not you, ignore this message: your password stays as it is.',
  ]
  const [greeting, why, , code, otherwise] = lines.map(escaped)
  return {
    to: user.email,
    subject: `Reset your password for ${appearance.applicationName}`,
    text: `${lines.join('\n\n')}\n`,
    html: `<p>${greeting}</p><p>${why}</p><p><a href="${escaped(link.href)}">Choose a new password</a></p><p>${code}</p><p>${otherwise}</p>`,
    expiresAt,
  }
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`)
}
