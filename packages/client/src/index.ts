export {
  ApiFailure,
  type CallInput,
  Client,
  type ClientOptions,
  ConnectionFailure,
  type Fetch,
} from './client.ts'
