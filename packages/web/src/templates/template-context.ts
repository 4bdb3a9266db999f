import { createContext, useContext } from 'react'

import type { Template } from '@slipway/contract'

interface TemplateView {
  readonly template: Template
  readonly mayUpdate: boolean
  /** Undefined until it is known. */
  readonly mayReadInsights: boolean | undefined
}

export const TemplateContext = createContext<TemplateView | undefined>(undefined)

/** The template whose pages these are. Only below the template layout. */
export function useTemplate(): TemplateView {
  const view = useContext(TemplateContext)
  if (view === undefined) throw new Error('useTemplate() outside of the pages of a template')
  return view
}
