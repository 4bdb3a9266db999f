import { contrast } from '../theme/contrast.ts'

/** The ink that reads best on a colour that somebody has chosen (UI-307). */
export function inkOn(background: string): '#ffffff' | '#000000' {
  return contrast(background, '#ffffff') >= contrast(background, '#000000') ? '#ffffff' : '#000000'
}
