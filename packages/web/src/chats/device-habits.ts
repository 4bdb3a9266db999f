import { Choice } from '../theme/choice.ts'

/** How wide a conversation is, on this device (UI-1101). */
export const widthChoice = new Choice<'column' | 'full'>('slipway.chat.width', ['column', 'full'])

/** Whether a chat that has finished elsewhere is heard (UI-1110). */
export const chimeChoice = new Choice<'off' | 'on'>('slipway.chat.chime', ['off', 'on'])
