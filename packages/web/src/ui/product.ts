import { takeEmbedded } from '../api/embedded.ts'

/** What the product is called here, and its picture; a change shows with the next load of the page (OP-154, UI-406). */
export const PRODUCT = takeEmbedded<string>('application-name') ?? 'Slipway'
export const LOGO_URL = takeEmbedded<string>('logo-url') ?? ''
