import { useState } from 'react'

import type { ChatUserModelOverrides } from '@slipway/contract'
import { rememberedEffort } from '../chat-conversation/model-choice.ts'
import { useUser } from '../session/session.tsx'
import { chooseEffort, chooseModel, type ModelOffer } from './model-choice.ts'
import { readMemory, remember } from './new-chat-memory.ts'

/** Model and effort of a new chat; what was last used is remembered, the effort for each model (UI-1114, UI-1119). */
export function useModelChoice(offers: readonly ModelOffer[], own: ChatUserModelOverrides | undefined) {
  const user = useUser()
  const [memory] = useState(() => readMemory(user.id))
  const [explicit, setExplicit] = useState<string>()
  const [wish, setWish] = useState<string>()
  const model = chooseModel(offers, { explicit, own, last: memory.model })
  const ownEffort =
    own?.enabled === true && own.root.mode === 'model' && own.root.model_config_id === model?.id
      ? own.root.reasoning_effort
      : undefined
  const remembered = model === undefined ? undefined : rememberedEffort(model.id)
  return {
    model,
    effort: chooseEffort(model, wish ?? remembered ?? ownEffort),
    setModel: (id: string) => {
      setExplicit(id)
      setWish(undefined)
      remember(user.id, { model: id })
    },
    setEffort: setWish,
  }
}
