const STORAGE = 'slipway.tasks.template'

/** The template that the viewer made the last task with in this browser; empty when nobody knows. */
export function readUsualTemplate(user: string): string {
  try {
    return localStorage.getItem(`${STORAGE}.${user}`) ?? ''
  } catch {
    return ''
  }
}

/** Keeps the choice for the next task. */
export function rememberTemplate(user: string, template: string): void {
  try {
    localStorage.setItem(`${STORAGE}.${user}`, template)
  } catch {
    // Storage is switched off: the choice lasts until the page goes (UI-2107).
  }
}
