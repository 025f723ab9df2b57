//! The certificate authorities of a sandbox and what they sign.

use std::fs;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rcgen::{
    BasicConstraints, Certificate, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};

use crate::error::{Context, Error, Result};

/// A certificate and its key, as PEM.
#[derive(Clone, Debug)]
pub(crate) struct Identity {
    /// The certificate.
    pub(crate) certificate: String,
    /// Its private key.
    pub(crate) key: String,
}

/// An authority that signs for one sandbox.
#[derive(Debug)]
pub(crate) struct Authority {
    certificate: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    /// A new authority.
    pub(crate) fn new(name: &str) -> Result<Self> {
        let mut params = parameters(name, &[], &[])?;
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
        let key = KeyPair::generate()?;
        let certificate = params.self_signed(&key)?.pem();
        Ok(Self {
            certificate,
            issuer: Issuer::new(params, key),
        })
    }

    /// The certificate of the authority, as PEM.
    pub(crate) fn certificate(&self) -> &str {
        &self.certificate
    }

    /// A certificate for a client: `name` is the user, `groups` are the user's groups.
    pub(crate) fn client(&self, name: &str, groups: &[&str]) -> Result<Identity> {
        let mut params = parameters(name, groups, &[])?;
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        self.sign(&params)
    }

    /// A certificate for a server known by `names`, host names or addresses.
    pub(crate) fn server(&self, name: &str, names: &[&str]) -> Result<Identity> {
        let mut params = parameters(name, &[], names)?;
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        self.sign(&params)
    }

    fn sign(&self, params: &CertificateParams) -> Result<Identity> {
        let key = KeyPair::generate()?;
        Ok(identity(&params.signed_by(&key, &self.issuer)?, &key))
    }
}

/// A certificate that signs itself, as a kubelet makes it when nobody gave it one.
pub(crate) fn self_signed(name: &str, names: &[&str]) -> Result<Identity> {
    let mut params = parameters(name, &[], names)?;
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let key = KeyPair::generate()?;
    Ok(identity(&params.self_signed(&key)?, &key))
}

/// The same, of a time that is over.
pub(crate) fn expired(name: &str, names: &[&str]) -> Result<Identity> {
    let mut params = parameters(name, &[], names)?;
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.not_after = date_time_ymd(2021, 1, 1);
    let key = KeyPair::generate()?;
    Ok(identity(&params.self_signed(&key)?, &key))
}

/// A key to sign service account tokens with: private and public half, as PEM.
pub(crate) fn signing_key() -> Result<(String, String)> {
    let key = KeyPair::generate()?;
    Ok((key.serialize_pem(), key.public_key_pem()))
}

fn identity(certificate: &Certificate, key: &KeyPair) -> Identity {
    Identity {
        certificate: certificate.pem(),
        key: key.serialize_pem(),
    }
}

fn parameters(name: &str, groups: &[&str], names: &[&str]) -> Result<CertificateParams> {
    let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
    let mut params = CertificateParams::new(names)?;
    params.distinguished_name.push(DnType::CommonName, name);
    // rcgen keeps one value a kind; the second group goes in under the same object identifier by number.
    let organizations = [DnType::OrganizationName, DnType::CustomDnType(vec![2, 5, 4, 10])];
    if groups.len() > organizations.len() {
        return Err(Error::Unexpected(format!(
            "{name}: a certificate holds two groups, not {}",
            groups.len()
        )));
    }
    for (kind, group) in organizations.into_iter().zip(groups) {
        params.distinguished_name.push(kind, *group);
    }
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(2099, 1, 1);
    Ok(params)
}

/// Writes a file that only this user can read.
pub(crate) fn write_private(path: &Path, text: &str) -> Result<()> {
    let what = || format!("cannot write {}", path.display());
    if path.exists() {
        fs::remove_file(path).context(what())?;
    }
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .context(what())?;
    file.write_all(text.as_bytes()).context(what())
}

/// Writes `NAME.crt` and `NAME.key` into a directory and returns their paths.
pub(crate) fn write_identity(
    directory: &Path,
    name: &str,
    identity: &Identity,
) -> Result<(PathBuf, PathBuf)> {
    let certificate = directory.join(format!("{name}.crt"));
    let key = directory.join(format!("{name}.key"));
    write_private(&certificate, &identity.certificate)?;
    write_private(&key, &identity.key)?;
    Ok((certificate, key))
}
