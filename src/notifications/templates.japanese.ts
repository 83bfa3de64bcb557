import type { Language } from './templates.language.js';

/** The mails in Japanese. */
export const japanese: Language = {
  tag: 'ja',
  subject: {
    CONFIRMED: (orderId) => `ご注文 ${orderId} が確定しました`,
    REJECTED: (orderId) => `ご注文 ${orderId} を承ることができませんでした`,
    CANCELLED: (orderId) => `ご注文 ${orderId} がキャンセルされました`,
  },
  opening: {
    CONFIRMED: 'ご注文ありがとうございます。お支払いが完了し、ご注文が確定しました。',
    REJECTED: '申し訳ございませんが、ご注文を承ることができませんでした。代金は請求されません。',
    CANCELLED: 'ご注文がキャンセルされました。代金は請求されません。お支払い済みの金額は返金いたしました。',
  },
  reason: {
    'payment-declined': 'お支払いが承認されませんでした。',
    'insufficient-funds': '残高または利用可能額が不足しているため、お支払いが承認されませんでした。',
    'unknown-payment-method': 'ご指定のお支払い方法はご利用いただけません。',
    'payment-unavailable': '決済サービスから時間内に応答がありませんでした。',
    'out-of-stock': 'ご注文の商品の在庫が不足しています。',
    'capture-failed': 'お支払いを完了できませんでした。',
    'cancelled-by-customer': 'お客様のご依頼によりキャンセルされました。',
    'cancelled-by-operator': '当店の担当者によりキャンセルされました。',
  },
  order: (orderId) => `注文番号 ${orderId}`,
  item: '商品',
  quantity: '数量',
  amount: '金額',
  total: '合計',
  note: 'ご要望・備考',
};
