// License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).

/** Make a client; one per mini-program is enough: make it in app.js. */
export function createClient(options: ClientOptions): Client

export interface ClientOptions {
  /** Address of Odoo: https, without a path. */
  baseUrl: string
  /** AppID of this mini-program; WeChat knows it. */
  appid?: string
  /** Language that Odoo shall answer in, as `zh_CN`; the phone's. */
  lang?: string
  /** Time zone, as `Asia/Shanghai`; the phone's. */
  tz?: string
  /** Milliseconds for one request: 20000. */
  timeout?: number
  /** Milliseconds to wait until Odoo knows of a payment: 30000. */
  paymentTimeout?: number
  /** Where the session is kept between two starts; the phone's storage. */
  storage?: Storage
  /** The platform, for tests; the global `wx`. */
  wx?: object
}

export interface Storage {
  get(key: string): any
  set(key: string, value: any): void
  remove(key: string): void
}

export interface Client {
  readonly baseUrl: string
  /** Who is logged in; null if nobody is. */
  readonly user: User | null

  /** Log in unless somebody is. Calls do so by themselves. */
  login(choice?: {force?: boolean; userInfo?: UserInfo}): Promise<User>
  /** End the session here and in Odoo. */
  logout(): Promise<boolean>
  /** Go on in another language, as `en_US`. */
  setLanguage(language: string): Promise<User>

  /** Call a method of a model as the user; ids are the first of args. */
  rpc<Result = any>(
    model: string, method: string, args?: any[], kwargs?: {[name: string]: any}
  ): Promise<Result>
  /** Call a JSON-RPC route as the user. */
  call<Result = any>(
    route: string, params?: {[name: string]: any}, choice?: CallChoice
  ): Promise<Result>

  /** Pay a document, as `('sale.order', 42)`. */
  pay(model: string, id: number, choice?: {accessToken?: string}): Promise<Payment>

  /** Let the person accept money that the merchant sent. */
  confirmTransfer(outBillNo: string): Promise<TransferResult>
  /** The money that waits for this person to accept it. */
  waitingTransfers(): Promise<WaitingTransfer[]>

  /** Tell Odoo what the user is called; resolves to the profile as stored. */
  updateProfile(profile: Profile): Promise<UserInfo>
  /** Send a picture of the phone. */
  uploadAvatar(filePath: string): Promise<{avatarUrl: string}>
  /** Store the phone number; `detail` is `e.detail` of getPhoneNumber. */
  bindPhone(detail: PhoneDetail): Promise<{phone: string; countryCode: string}>
  /** Ask for consent to messages; call it straight from a tap. One to five templates. */
  subscribe(templateIds: string[]): Promise<{[templateId: string]: Consent}>
  /** Close the user's account for good. */
  deactivate(): Promise<boolean>

  /** Address of a picture of a public record, for `<image>`. */
  imageUrl(model: string, id: number, field: string, size?: string, version?: string): string
}

export interface CallChoice {
  /** Send no session. */
  anonymous?: boolean
  /** The call may be carried out twice: repeat it if its answer is lost. */
  repeat?: boolean
}

/** What the login answered. */
export interface User {
  uid: number
  partner_id: number
  name: string
  username: string
  db: string
  user_context: {lang?: string; tz?: string; uid?: number; [name: string]: any}
  /** Seconds that the session lives without being used. */
  expires_in: number
  is_new_user: boolean
  has_phone: boolean
}

export interface UserInfo {
  nickName?: string
  avatarUrl?: string
  gender?: number
  country?: string
  province?: string
  city?: string
  language?: string
}

export type Profile =
  | {nickName?: string; avatarUrl?: string}
  | {encryptedData: string; iv: string}
  | {rawData: string; signature: string}

export interface PhoneDetail {
  code?: string
  encryptedData?: string
  iv?: string
  errMsg?: string
  errno?: number
}

export type Consent = 'accept' | 'reject' | 'ban' | 'filter'

export interface Payment {
  /** `pending`: Odoo has not heard of it yet; ask /wechat/payment/status later. */
  outcome: 'paid' | 'cancelled' | 'failed' | 'pending'
  reference: string
  /** In major units, as 9.9. */
  amount: number
  /** ISO code, as CNY. */
  currency: string
  /** State of the transaction in Odoo; null if it could not be asked. */
  state: string | null
  message: string
}

export interface WaitingTransfer {
  out_bill_no: string
  /** In major units, as 9.9. */
  amount: number
  /** ISO code, as CNY. */
  currency: string
  remark: string
}

export interface TransferResult {
  /** `cancelled`: not accepted yet; `pending`: Odoo has not heard of it yet. */
  outcome: 'received' | 'cancelled' | 'failed' | 'pending'
  out_bill_no: string
  /** State in Odoo, as `waiting`, `done`; null if it could not be asked. */
  state: string | null
  message: string
}

/** What every promise of the client is rejected with. */
export interface OdooError extends Error {
  name: 'OdooError'
  /** A word to branch on, see README.md. */
  code: string
  /** WeChat's own number. */
  errcode: number | null
  /** HTTP status, if that was the trouble. */
  status: number | null
  /** Odoo's class, as odoo.exceptions.AccessError. */
  exception: string | null
  /** Whether the same call may succeed a little later. */
  isRetryable: boolean
}
