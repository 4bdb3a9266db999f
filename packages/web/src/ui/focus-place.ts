const CONTROLS =
  'a[href], button:not(:disabled), input:not(:disabled), select:not(:disabled), textarea:not(:disabled), [tabindex="0"]'

/**
 * Remembers where a control is, for when it is gone: the row that has come into the place of its own, or the last one; else
 * the heading of the page (UI-1801).
 */
export function placeOf(control: Element): () => HTMLElement | undefined {
  const row = control.closest('tr, li')
  const list = row?.parentElement
  const index = row == null || list == null ? -1 : [...list.children].indexOf(row)
  return () => {
    const next =
      list?.isConnected === true ? list.children[Math.min(index, list.children.length - 1)] : undefined
    return (next === undefined ? undefined : firstControl(next)) ?? heading()
  }
}

/** The first thing in an element, or the element itself, that the keyboard reaches. */
export function firstControl(within: Element): HTMLElement | undefined {
  if (within instanceof HTMLElement && within.tabIndex >= 0) return within
  return [...within.querySelectorAll<HTMLElement>(CONTROLS)].find(
    (control) => control.tabIndex >= 0 && control.checkVisibility() && !isPassedBy(control, within),
  )
}

/** The keyboard reaches the chosen one of a group of radio buttons, not the others. */
function isPassedBy(control: HTMLElement, within: Element): boolean {
  return (
    control instanceof HTMLInputElement &&
    control.type === 'radio' &&
    !control.checked &&
    [...within.querySelectorAll<HTMLInputElement>('input[type=radio]:checked')].some(
      ({ name }) => name === control.name,
    )
  )
}

function heading(): HTMLElement | undefined {
  return (
    document.querySelector<HTMLElement>('main h1[tabindex]') ??
    document.getElementById('main-content') ??
    undefined
  )
}
