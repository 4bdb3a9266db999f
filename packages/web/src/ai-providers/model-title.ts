import type { ChatModelConfig } from '@slipway/contract'

/** What a model is called. */
export function modelTitle({ display_name: name, model }: ChatModelConfig): string {
  return name === '' ? model : name
}
