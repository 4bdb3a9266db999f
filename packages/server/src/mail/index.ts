export type { Mail } from './mail.ts'
export { Mailer } from './mailer.ts'
export { isUnfixable, openTransport, type Transport } from './transport.ts'
