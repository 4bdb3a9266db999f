const EFFORT_KEY = 'slipway.effort'

/** The effort that the viewer last chose for a model. */
export function rememberedEffort(model: string): string | undefined {
  try {
    return localStorage.getItem(`${EFFORT_KEY}.${model}`) ?? undefined
  } catch {
    return undefined
  }
}

export function rememberEffort(model: string, effort: string): void {
  try {
    localStorage.setItem(`${EFFORT_KEY}.${model}`, effort)
  } catch {
    // Storage is switched off: the choice lasts as long as the page.
  }
}
