// The minor units of ISO 4217 where they are not two. ICU's are those of shop counters (HUF, IDR and PKR without any),
// and would show a hundred times what is charged.
const NONE = 'BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF'.split(' ');
const THREE = 'BHD IQD JOD KWD LYD OMR TND'.split(' ');
const FOUR = 'CLF UYW'.split(' ');

const formats = new Map<string, { digits: number; format: Intl.NumberFormat }>();

/** An amount of minor units as people write it: JPY 1200 = ¥1,200; EUR 1200 = €12.00; KWD 1200 = KWD 1.200. */
export function money(currency: string, amount: number): string {
  const { digits, format } = formats.get(currency) ?? made(currency);
  // The space between a code and its figure is a no-break one, which plain text has no use for.
  return format.format(amount / 10 ** digits).replaceAll('\u00a0', ' ');
}

function made(currency: string): { digits: number; format: Intl.NumberFormat } {
  const digits = NONE.includes(currency) ? 0 : THREE.includes(currency) ? 3 : FOUR.includes(currency) ? 4 : 2;
  // One form in every language: in Japanese the yen sign would be a full-width one, and CNY 元.
  const format = new Intl.NumberFormat('en', {
    style: 'currency',
    currency,
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  });
  formats.set(currency, { digits, format });
  return { digits, format };
}
