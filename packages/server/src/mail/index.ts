export type { Mail } from './mail.ts'
export { Mailer } from './mailer.ts'
export { isUnfixable, mailServer } from './transport.ts'
