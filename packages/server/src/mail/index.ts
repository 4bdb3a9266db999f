export type { Mail } from './mail.ts'
export { Mailer } from './mailer.ts'
export { checkMailServer, isUnfixable, mailServer } from './transport.ts'
