//! A session with a token, logged in.

use std::collections::HashMap;
use std::sync::{Arc, RwLockReadGuard};

use cryptoki::context::Pkcs11;
use cryptoki::error::{Error, RvError};
use cryptoki::mechanism::{Mechanism, MechanismType};
use cryptoki::object::{Attribute, AttributeType, KeyType, ObjectClass, ObjectHandle};
use cryptoki::session::{Session, UserType};
use cryptoki::slot::{Slot, TokenInfo};
use keyward_crypto::signature::KeyKind;

use keyward_keyop::KeyTask;

use super::super::remote::{RemoteKey, StoreError};
use super::mechanism::{self, Call};
use super::module::Module;
use super::public_key;
use super::token::Token;
use crate::config::{Pkcs11Uri, encoded};

/// A session with the token, and the objects that were looked up in it.
pub(super) struct Connection {
    session: Option<Session>,
    module: Arc<Module>,
    generation: u64,
    slot: Slot,
    token: String,
    objects: HashMap<String, ObjectHandle>,
}

/// Why a call has no result.
#[derive(Debug)]
pub(super) enum Lost {
    /// The session, or what it is a session with, is gone: another connection may have more luck.
    Connection(StoreError),
    /// It is as it is.
    Use(StoreError),
}

impl Lost {
    pub(super) fn error(self) -> StoreError {
        match self {
            Self::Connection(error) | Self::Use(error) => error,
        }
    }
}

/// A private key of the token: its handle for the key server, and how it is found again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Located {
    pub(super) kind: KeyKind,
    label: Vec<u8>,
    id: Vec<u8>,
}

impl Connection {
    /// Finds the token, opens a session with it, and logs in.
    pub(super) fn open(token: &Token) -> Result<Self, StoreError> {
        let module = Module::load(&token.module).map_err(|error| {
            let path = token.module.display();
            StoreError::Unavailable(format!(
                "the PKCS #11 module {path} cannot be used: {error}"
            ))
        })?;
        let guard = module.enter();
        let (slot, info) = find(module.context(), &token.uri)?;
        let session = module
            .context()
            .open_ro_session_no_drop(slot)
            .map_err(|error| out_of_reach("no session can be opened", &error))?;
        let generation = *guard;
        drop(guard);
        module.connected(&token.name);
        let connection = Self {
            session: Some(session),
            module,
            generation,
            slot,
            token: token.name.clone(),
            objects: HashMap::new(),
        };
        connection.log_in(token, &info)?;
        Ok(connection)
    }

    fn log_in(&self, token: &Token, info: &TokenInfo) -> Result<(), StoreError> {
        if !info.login_required() {
            return Ok(());
        }
        // One at a time: of several with the same wrong PIN each would count, until the token is locked.
        let mut login = token.login();
        if info.user_pin_locked() {
            return Err(nobody(
                "its PIN is locked; unlock it with the security officer's",
            ));
        }
        if info.user_pin_final_try() {
            return Err(nobody(
                "one more wrong PIN would lock it, so none is tried; log in once with another program, with the right PIN",
            ));
        }
        let pin = login.pin(token)?;
        let session = self.session()?;
        let _call = self.enter()?;
        match session.login(UserType::User, Some(&pin)) {
            // Whoever is logged in on one session is on all.
            Ok(()) | Err(Error::Pkcs11(RvError::UserAlreadyLoggedIn, _)) => {
                login.right();
                Ok(())
            }
            Err(Error::Pkcs11(
                error @ (RvError::PinIncorrect
                | RvError::PinInvalid
                | RvError::PinLenRange
                | RvError::PinExpired
                | RvError::PinLocked
                | RvError::UserPinNotInitialized),
                _,
            )) => Err(login.wrong(token, error)),
            Err(error) => Err(out_of_reach("it lets nobody log in", &error)),
        }
    }

    /// All private keys that the URI stands for, with what they can do.
    pub(super) fn keys(&self, uri: &Pkcs11Uri) -> Result<Vec<(RemoteKey, Located)>, Lost> {
        let session = self.session().map_err(Lost::Connection)?;
        let _call = self.enter().map_err(Lost::Connection)?;
        let has = self.module.context().get_mechanism_list(self.slot);
        let has = has.map_err(|error| lost(&error))?;
        let mut template = vec![Attribute::Class(ObjectClass::PRIVATE_KEY)];
        if let Some(label) = &uri.object {
            template.push(Attribute::Label(label.clone().into_bytes()));
        }
        if let Some(id) = &uri.id {
            template.push(Attribute::Id(id.clone()));
        }
        let objects = session.find_objects(&template);
        let objects = objects.map_err(|error| lost(&error))?;
        let mut keys = Vec::new();
        for object in objects {
            let found = describe(session, object, &has).map_err(|error| lost(&error))?;
            match found {
                Described::Key(key) => keys.push(*key),
                Described::NoUse => {}
                Described::Wrong { handle, cause } => {
                    tracing::warn!(key = handle, cause, "a key of the token is not served");
                }
            }
        }
        Ok(keys)
    }

    /// Uses a key.
    pub(super) fn perform(
        &mut self,
        handle: &str,
        key: &Located,
        task: &KeyTask,
    ) -> Result<Vec<u8>, Lost> {
        let call = Call::new(task, key.kind).map_err(Lost::Use)?;
        let module = Arc::clone(&self.module);
        let gone = || Lost::Connection(stale());
        let _call = module.enter_again(self.generation).ok_or_else(gone)?;
        let session = self.session.as_ref().ok_or_else(gone)?;
        let object = match self.objects.get(handle) {
            Some(object) => *object,
            None => {
                let object = locate(session, key)?;
                self.objects.insert(handle.to_owned(), object);
                object
            }
        };
        match call {
            Call::Sign {
                mechanism,
                input,
                two_numbers,
            } => {
                let answer = session.sign(&mechanism, object, &input);
                let answer = answer.map_err(|error| lost(&error))?;
                mechanism::signature(answer, two_numbers).map_err(Lost::Use)
            }
            // Raw: what CKM_RSA_PKCS says of a bad padding is the oracle of Bleichenbacher's attack. The block is unpadded
            // by the key server, in constant time.
            Call::Decrypt { ciphertext } => session
                .decrypt(&Mechanism::RsaX509, object, &ciphertext)
                .map_err(|error| lost(&error)),
        }
    }

    /// Whether the library was initialised anew since.
    pub(super) fn is_stale(&self) -> bool {
        self.module.enter_again(self.generation).is_none()
    }

    fn session(&self) -> Result<&Session, StoreError> {
        self.session.as_ref().ok_or_else(stale)
    }

    fn enter(&self) -> Result<RwLockReadGuard<'_, u64>, StoreError> {
        self.module.enter_again(self.generation).ok_or_else(stale)
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        // A handle from before the library was initialised anew may be another session's by now.
        if let Some(_call) = self.module.enter_again(self.generation)
            && let Some(session) = self.session.take()
        {
            let _ = session.close();
        }
        self.module.disconnected(&self.token);
    }
}

/// The one token that the URI stands for.
fn find(context: &Pkcs11, uri: &Pkcs11Uri) -> Result<(Slot, TokenInfo), StoreError> {
    let slots = context
        .get_slots_with_initialized_token()
        .map_err(|error| out_of_reach("the module does not list its tokens", &error))?;
    let mut fitting = slots.into_iter().filter_map(|slot| {
        let info = context.get_token_info(slot).ok()?;
        is_meant(uri, slot, &info).then_some((slot, info))
    });
    let first = fitting.next().ok_or_else(|| {
        StoreError::Unavailable(
            "there is no such token: it is not plugged in, or the URI is wrong".to_owned(),
        )
    })?;
    match fitting.next() {
        None => Ok(first),
        Some(_) => Err(StoreError::Unavailable(
            "several tokens fit the URI; add `serial` to it".to_owned(),
        )),
    }
}

fn is_meant(uri: &Pkcs11Uri, slot: Slot, info: &TokenInfo) -> bool {
    let fits = |wanted: &Option<String>, is: &str| wanted.as_ref().is_none_or(|it| it == is);
    fits(&uri.token, info.label())
        && fits(&uri.manufacturer, info.manufacturer_id())
        && fits(&uri.model, info.model())
        && fits(&uri.serial, info.serial_number())
        && uri.slot_id.is_none_or(|id| id == slot.id())
}

enum Described {
    Key(Box<(RemoteKey, Located)>),
    /// It neither signs nor decrypts.
    NoUse,
    Wrong {
        handle: String,
        cause: String,
    },
}

fn describe(
    session: &Session,
    object: ObjectHandle,
    has: &[MechanismType],
) -> Result<Described, Error> {
    let (mut label, mut id) = (Vec::new(), Vec::new());
    let (mut signs, mut decrypts, mut key_type) = (false, false, None::<KeyType>);
    let wanted = [
        AttributeType::Label,
        AttributeType::Id,
        AttributeType::KeyType,
        AttributeType::Sign,
        AttributeType::Decrypt,
    ];
    for attribute in session.get_attributes(object, &wanted)? {
        match attribute {
            Attribute::Label(value) => label = value,
            Attribute::Id(value) => id = value,
            Attribute::KeyType(value) => key_type = Some(value),
            Attribute::Sign(value) => signs = value,
            Attribute::Decrypt(value) => decrypts = value,
            _ => {}
        }
    }
    let Some(key_type) = key_type.filter(|_| signs || decrypts) else {
        return Ok(Described::NoUse);
    };
    let handle = format!("object={};id={}", encoded(&label), encoded(&id));
    let public_key = match public_key::find(session, object, key_type, &id) {
        Ok(public_key) => public_key,
        Err(cause) => return Ok(Described::Wrong { handle, cause }),
    };
    let name = String::from_utf8(label.clone()).ok();
    let name = name.filter(|name| !name.is_empty() && !name.contains(char::is_control));
    let kind = public_key.kind();
    let algorithms = match signs {
        true => mechanism::algorithms(has),
        false => Vec::new(),
    };
    let key = RemoteKey {
        label: name.unwrap_or_else(|| handle.clone()),
        handle,
        algorithms: algorithms
            .into_iter()
            .filter(|algorithm| public_key.supports(*algorithm))
            .collect(),
        rsa_decrypt: decrypts
            && matches!(kind, KeyKind::Rsa { .. })
            && has.contains(&MechanismType::RSA_X_509),
        public_key,
    };
    Ok(Described::Key(Box::new((key, Located { kind, label, id }))))
}

fn locate(session: &Session, key: &Located) -> Result<ObjectHandle, Lost> {
    let template = [
        Attribute::Class(ObjectClass::PRIVATE_KEY),
        Attribute::Label(key.label.clone()),
        Attribute::Id(key.id.clone()),
    ];
    let found = session.find_objects(&template);
    let found = found.map_err(|error| lost(&error))?;
    // A token that was taken out looks empty with some modules.
    let missing = || {
        Lost::Connection(StoreError::Unavailable(
            "the key is not in the token any more".to_owned(),
        ))
    };
    found.first().copied().ok_or_else(missing)
}

fn stale() -> StoreError {
    StoreError::Unavailable("the module was initialised anew".to_owned())
}

fn out_of_reach(what: &str, error: &Error) -> StoreError {
    StoreError::Unavailable(format!("{what}: {error}"))
}

fn nobody(why: &str) -> StoreError {
    StoreError::Unavailable(format!("nobody logs in to the token: {why}"))
}

/// What an error of a call means for the connection.
fn lost(error: &Error) -> Lost {
    use RvError as E;
    match error {
        Error::Pkcs11(
            E::SessionClosed
            | E::SessionHandleInvalid
            | E::TokenNotPresent
            | E::TokenNotRecognized
            | E::SlotIdInvalid
            | E::DeviceRemoved
            | E::DeviceError
            | E::CryptokiNotInitialized
            | E::UserNotLoggedIn
            | E::ObjectHandleInvalid
            | E::KeyHandleInvalid
            | E::OperationActive
            | E::GeneralError
            | E::FunctionFailed,
            _,
        ) => Lost::Connection(StoreError::Unavailable(error.to_string())),
        _ => Lost::Use(StoreError::Failed(error.to_string())),
    }
}
