import { Choice } from '../theme/choice.ts'

/** Whether single keys do something by themselves (UI-1104): they are in the way of those who dictate. */
export const singleKeys = new Choice<'on' | 'off'>('slipway.keys.single', ['on', 'off'])
