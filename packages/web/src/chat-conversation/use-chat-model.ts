import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'

import type { Chat, ChatModelConfig } from '@slipway/contract'
import { chooseEffort, modelOffers } from '../chats/model-choice.ts'
import { chatModelsQuery, modelConfigsQuery } from '../chats/queries.ts'
import { rememberedEffort } from './model-choice.ts'

const NO_MODELS: readonly ChatModelConfig[] = []

/** The model of a chat, or another one for the next message (UI-1119). */
export function useChatModel(chat: Chat) {
  const models = useQuery(chatModelsQuery).data
  const configs = useQuery(modelConfigsQuery).data ?? NO_MODELS
  const [chosen, setChosen] = useState<string>()
  const [wish, setWish] = useState<string>()
  const offers = models === undefined ? [] : modelOffers(models.providers, configs)
  const id = chosen ?? chat.last_model_config_id
  const offer = offers.find((one) => one.id === id)
  const usual = id === chat.last_model_config_id ? chat.last_reasoning_effort : rememberedEffort(id)
  return {
    id,
    /** What a message is sent with; one that cannot be used any more never reaches the request (UI-1114). */
    modelConfigId: offer?.unavailable === undefined ? offer?.id : undefined,
    reasoningEffort: chooseEffort(offer, wish ?? usual),
    configs,
    config: configs.find((one) => one.id === id),
    choose: (next: string) => {
      setChosen(next)
      setWish(undefined)
    },
    setEffort: setWish,
  }
}
